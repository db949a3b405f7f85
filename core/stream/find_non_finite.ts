import { topologicalOrder } from "../graph/differentiate.ts";
import { NonFiniteError } from "../graph/errors.ts";
import { Tensor } from "../graph/tensor.ts";
import { literal } from "../graph/leaf.ts";
import { createProgram } from "../graph/program.ts";
import { isFinite } from "../ops/is_finite.ts";
import { select } from "../ops/select.ts";
import { sum } from "../ops/sum.ts";
import type { Run } from "./run.ts";

/** A recorded value that is NaN or infinite. */
export interface NonFiniteValue {
  /** Log name. */
  readonly name: string;
  /** The value. */
  readonly value: number;
  /** Step, from 1. */
  readonly step: number;
  /** Where its batch begins in the epoch. */
  readonly start: number;
}

/** The error for a value that is not finite: runs the batch again to find the first layer. */
export async function nonFiniteError(run: Run, found: NonFiniteValue): Promise<NonFiniteError> {
  const { name, value, step } = found;
  const layer = await findLayer(run, found);
  const where = layer === null ? "" : `, first in ${layer}`;
  return new NonFiniteError(
    `${name} is ${value} at step ${step}${where}: look for a learning rate that is too large, a ` +
      `logarithm of 0, NaN in the data, or an id that an embedding has no row for (the weights are ` +
      `those before the step)`,
    step,
    layer,
  );
}

async function findLayer(run: Run, { name, step, start }: NonFiniteValue): Promise<string | null> {
  const last = run.frame;
  const record = last?.effects.flatMap((effect) => effect.records ?? [])
    .find((record) => record.name === name);
  if (!last || !record) return null;
  const labelled = topologicalOrder(record.totals.filter((total) => total instanceof Tensor))
    .filter((node) => node.label !== null && node.dtype === "f32");
  const flags: Tensor[] = labelled.map((node) =>
    sum(select(isFinite(node), literal(0), literal(1)))
  );
  const executable = run.prepare(createProgram(flags, []), flags.length);
  try {
    await run.training.bring(start);
    run.place(start, { step });
    executable.run(run.scalarValues(executable));
    const counts = await executable.drain();
    const place = counts.findIndex((count) => count > 0);
    return place < 0 ? null : labelled[place].label;
  } finally {
    executable.dispose();
  }
}
