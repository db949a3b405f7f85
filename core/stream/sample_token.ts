import { checkCount } from "../nn/check_count.ts";
import { checkScalar } from "../nn/check_scalar.ts";

/** How a token is chosen. */
export interface TokenSampling {
  /**
   * What logits are divided by: below 1 likely tokens become likelier; 0 takes the likeliest one.
   * Default 1.
   */
  readonly temperature?: number;
  /** Only so many of the likeliest tokens are taken; default all. */
  readonly topK?: number;
  /** Only the likeliest tokens whose probabilities add up to this are taken, in (0, 1]; default 1. */
  readonly topP?: number;
}

/**
 * A token drawn by its probability, softmax(logits / temperature) over those that are taken.
 *
 * {@link generate} does it with each token. This is for what a model that is open says, or one that no
 * stream fits.
 *
 * @param logits A number for each token.
 * @param options How it is chosen.
 * @param random What decides, a number in [0, 1), as a {@link RandomStream} draws it with `uniform`.
 * @returns The token's number.
 * @throws {RangeError} when an option is out of its range, or there are no logits.
 *
 * @example
 * ```ts
 * import {
 *   dense,
 *   foldKey,
 *   input,
 *   openModel,
 *   RandomStream,
 *   sampleToken,
 *   sequential,
 * } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([3]), dense(5)]);
 * await using open = await openModel(model, { device: "cpu", threads: 1 });
 * const { data } = await open.predict([[1, 0, 2]]);
 * const random = new RandomStream(foldKey(42, "tokens"));
 * const token = sampleToken(data, { temperature: 0.8, topK: 2 }, random.uniform());
 * assert([...data].filter((one) => one > data[token]).length < 2);
 * ```
 *
 * Source: A. Holtzman and others, "The curious case of neural text degeneration", 2019, for `topP`.
 */
export function sampleToken(
  logits: ArrayLike<number>,
  { temperature = 1, topK = logits.length, topP = 1 }: TokenSampling,
  random: number,
): number {
  checkSampling("sampleToken", { temperature, topK, topP });
  const order = Array.from(logits, (_, token) => token)
    // Of equals the first, as argMax has it.
    .sort((a, b) => logits[b] - logits[a] || a - b);
  if (temperature === 0) return order[0];
  const most = logits[order[0]];
  const taken = order.slice(0, Math.min(topK, order.length));
  const powers = taken.map((token) => Math.exp((logits[token] - most) / temperature));
  const total = powers.reduce((sum, power) => sum + power, 0);
  let kept = 0;
  let share = 0;
  while (kept < taken.length && share < topP * total) share += powers[kept++];
  let left = random * share;
  for (let place = 0; place < kept; place++) {
    left -= powers[place];
    if (left < 0) return taken[place];
  }
  return taken[Math.max(0, kept - 1)];
}

/**
 * Refuses options that are out of their range.
 *
 * @throws {RangeError} with the name of the option.
 */
export function checkSampling(factory: string, options: TokenSampling): void {
  const { temperature = 1, topK = 1, topP = 1 } = options;
  checkScalar(`the temperature of ${factory}`, temperature, { minimum: 0 });
  checkCount(`the topK of ${factory}`, topK, 1);
  checkScalar(`the topP of ${factory}`, topP, { minimum: Number.MIN_VALUE, maximum: 1 });
}
