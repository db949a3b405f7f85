// A network to be explained, and its outputs and slopes in float64, without the framework.
import assert from "node:assert/strict";
import { lastValueFrom, map, toArray } from "rxjs";
import {
  type Attribution,
  dense,
  type DeviceOptions,
  explain,
  type ExplainOptions,
  type Explanation,
  input,
  type Model,
  predictions,
  sequential,
  type StoredInputs,
} from "../../../mod.ts";

/** Rows. */
export const samples = 5;
/** Numbers in a row. */
export const features = 4;
/** What is explained. */
export const rows = Array.from(
  { length: samples },
  (_, i) => Array.from({ length: features }, (_, j) => Math.fround(Math.sin(3 * i + 7 * j + 1))),
);
/** The same, as a model takes it. */
export const inputs = { data: Float32Array.from(rows.flat()), shape: [samples, features] };
/** A network of two layers. */
export const network = () =>
  sequential([input([features]), dense(6, { activation: "tanh" }), dense(3)], { seed: 3 });

/** All outputs of the network for one row, in float64. */
export function outputsOf(model: Model, row: readonly number[]): number[] {
  const [k1, b1, k2, b2] = model.parameters.map(({ value }) => [...value]);
  const layer = (x: readonly number[], kernel: number[], bias: number[]) =>
    bias.map((start, unit) =>
      x.reduce((sum, value, at) => sum + value * kernel[at * bias.length + unit], start)
    );
  return layer(layer(row, k1, b1).map(Math.tanh), k2, b2);
}

/** The slope of an output by central differences. */
export function slopes(model: Model, row: readonly number[], target: number): number[] {
  const step = 1e-5;
  return row.map((_, feature) => {
    const at = (change: number) =>
      outputsOf(model, row.map((value, j) => j === feature ? value + change : value))[target];
    return (at(step) - at(-step)) / (2 * step);
  });
}

/** All batches of an explanation as one. */
export async function explained(
  model: Model,
  inputs: StoredInputs,
  method: Attribution,
  { target, batchSize, ...device }: ExplainOptions & DeviceOptions,
): Promise<Explanation> {
  const batches = await lastValueFrom(
    // Batches of four, so that those of the operator end within them.
    predictions(model, inputs, { batchSize: 4, ...device }).pipe(
      explain(method, { target, batchSize, name: "it" }),
      map(({ explanations }) => explanations.it),
      toArray(),
    ),
  );
  const whole = (part: "data" | "scores") =>
    Float32Array.from(batches.flatMap((batch) => [...batch[part]]));
  return { data: whole("data"), scores: whole("scores"), shape: inputs.shape };
}

/** That numbers are near others. */
export function close(actual: ArrayLike<number>, expected: readonly number[], error = 1e-4): void {
  assert.equal(actual.length, expected.length);
  expected.forEach((value, at) =>
    assert(Math.abs(actual[at] - value) <= error, `${actual[at]} for ${value} at ${at}`)
  );
}

/** Place of the largest. */
export const largest = (values: readonly number[]) => values.indexOf(Math.max(...values));
