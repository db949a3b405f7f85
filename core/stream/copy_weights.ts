import type { AnyModel } from "../nn/connect.ts";
import { weightPairs, type WeightPairsOptions } from "./weight_pairs.ts";
import { settled } from "./settled.ts";

/** Options of {@link copyWeights}. */
export type CopyWeightsOptions = WeightPairsOptions;

/**
 * Copies the weights of a model to another: a body that was trained before goes under a new head.
 * Either all weights that find each other are copied or, on an error, none.
 *
 * @param from The model that gives.
 * @param to The model whose weights change.
 * @param options How weights find each other, and whether other shapes are left out.
 * @returns Names, in `to`, of the weights that were copied.
 * @throws {ShapeError} when shapes differ, or by order the numbers of weights do.
 * @throws {RangeError} when by name not a single weight is found.
 *
 * @example
 * ```ts
 * import { copyWeights, dense, input, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const digits = sequential([input([784]), dense(30, { name: "body" }), dense(10)], { seed: 1 });
 * const letters = sequential([input([784]), dense(30, { name: "body" }), dense(26)], { seed: 2 });
 * const copied = await copyWeights(digits, letters, { skipMismatch: true });
 * assert.deepEqual(copied, ["body/kernel", "body/bias"]);
 * ```
 *
 * Keras: `set_weights`, and `load_weights` with `by_name` and `skip_mismatch`. PyTorch:
 * `load_state_dict` with `strict=False`.
 */
export async function copyWeights(
  from: AnyModel,
  to: AnyModel,
  options: CopyWeightsOptions = {},
): Promise<string[]> {
  await Promise.all([settled(from), settled(to)]);
  const pairs = weightPairs("copy weights", from, to, options);
  for (const { parameter, source } of pairs) parameter.set(source.value);
  return pairs.map(({ name }) => name);
}
