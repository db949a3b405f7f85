import type { Tensor } from "../graph/tensor.ts";
import { listNames, tensorEntries, type Tensors } from "../nn/named.ts";
import type { ScalarSource } from "../nn/scalar.ts";
import { add } from "../ops/add.ts";
import { mul } from "../ops/mul.ts";
import type { Criterion } from "./criteria.ts";
import type { Measured } from "./frame.ts";
import type { RecordDefinition } from "./record_layout.ts";
import { loggedLoss, type Score, score, type ScoreOptions, withPenalties } from "./score.ts";

/** What a step, or a validation, knows of a batch that went through a model. */
export interface Judged {
  /** The model's outputs. */
  readonly outputs: Tensors;
  /** The targets. */
  readonly targets: Tensors;
}

/** What {@link scoreOutputs} is given beside outputs and targets. */
export interface OutputScoreOptions extends ScoreOptions {
  /** Log name of the whole loss. */
  readonly name: string;
  /** Scalars to add to the whole loss. */
  readonly penalties: readonly Tensor[];
  /** Makes a scalar of the step from a number or a stream. */
  scalar(source: ScalarSource, name: string): Tensor;
}

/** A loss to train by, and what to log of it. */
export interface OutputScore {
  /** What training makes small: the weighted sum of all losses, and all penalties. Rank 0. */
  readonly value: Tensor;
  /** The loss, and those of outputs that have names, without their weights, as `kind_loss`. */
  readonly records: readonly RecordDefinition[];
}

/** Compares outputs with targets, each by its own loss. */
export function scoreOutputs(
  criteria: readonly Criterion[],
  judged: Judged,
  options: OutputScoreOptions,
): OutputScore {
  const { name, penalties } = options;
  const parts = criteria.map(({ output, loss, weight }) => {
    const plain = score(loss.apply(...pick(output, judged)), options);
    const weighted = weight === 1
      ? plain
      : scaled(plain, options.scalar(weight, `${name}_weights/${output}`));
    return { output, plain, weighted };
  });
  const whole = withPenalties(parts.map(({ weighted }) => weighted).reduce(together), penalties);
  const record = (log: string, { totals }: Score): RecordDefinition => (
    { name: log, totals, result: loggedLoss, direction: "min" }
  );
  const named = parts.filter(({ output }) => output !== null);
  return {
    value: whole.value,
    records: [
      { ...record(name, whole), guarded: true },
      ...named.map(({ output, plain }) => record(`${output}_${name}`, plain)),
    ],
  };
}

/** What to log of metrics. */
export function measureRecords(
  measured: readonly Measured[],
  judged: Judged,
  sampleWeight: Tensor | null,
): RecordDefinition[] {
  return measured.map(({ metric, output, name, weighted }) => ({
    name,
    direction: metric.direction,
    totals: metric.apply(...pick(output, judged), weighted && sampleWeight || undefined),
    result: (...totals) => metric.result(...totals),
  }));
}

function scaled({ value, totals: [total, count] }: Score, factor: Tensor): Score {
  return { value: mul(value, factor), totals: [mul(total, factor), count] };
}

/** Samples count alike in all losses, so that their sums are divided by the same. */
function together(one: Score, other: Score): Score {
  return {
    value: add(one.value, other.value),
    totals: [add(one.totals[0], other.totals[0]), one.totals[1]],
  };
}

/** Targets and output of a name. */
function pick(output: string | null, { targets, outputs }: Judged): [Tensor, Tensor] {
  const judged = find("outputs", output, outputs);
  return [find("targets", output, targets), judged];
}

function find(what: string, output: string | null, tensors: Tensors): Tensor {
  const entries = tensorEntries(tensors);
  const found = entries.find(([name]) => name === output);
  if (found) return found[1];
  const wanted = output === null
    ? "one loss or list of metrics was given for a model of one output"
    : `a loss or metric was given for the output ${output}`;
  throw new TypeError(
    `Cannot judge the ${what} as ${wanted}: received ${what} ${
      listNames(entries.map(([name]) => name))
    }`,
  );
}
