import { iota } from "../graph/leaf.ts";
import { checkShape, type Shape, sizeOf } from "../graph/shape.ts";
import { Tensor, type TensorLike } from "../graph/tensor.ts";
import { bitwiseXor, shiftRight } from "./bitwise.ts";
import { cast } from "./cast.ts";
import { greaterEqual } from "./greater_equal.ts";
import { log } from "./log.ts";
import { mul } from "./mul.ts";
import { reshape } from "./reshape.ts";
import { cos } from "./sin.ts";
import { sqrt } from "./sqrt.ts";
import { sub } from "./sub.ts";
import { threefryWord } from "./threefry.ts";

/** Two words that name a stream of random numbers: u32 scalars, or whole numbers below 2³². */
export interface RandomKey {
  /** First word. */
  readonly key0: TensorLike;
  /** Second word. */
  readonly key1: TensorLike;
}

/**
 * Random bits: Threefry-2x32 of (flat position, counter) under `key`.
 *
 * The same key, counter and position give the same bits on every device, in any shape.
 *
 * @param key Names the stream; another layer has another key.
 * @param shape Wanted sizes.
 * @param counter u32 scalar that changes from step to step, or a number.
 * @returns `shape`, u32, each value as likely as any other.
 *
 * @example
 * ```ts
 * import { randomBits } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await randomBits({ key0: 0, key1: 0 }, [1], 0).data()], [0x6b200159]);
 * ```
 */
export function randomBits(key: RandomKey, shape: Shape, counter: TensorLike): Tensor {
  checkShape("randomBits", shape);
  const flat = threefryWord(iota([sizeOf(shape)], 0), counter, key.key0, key.key1);
  return reshape(flat, shape);
}

/**
 * Random numbers spread evenly over [0, 1), with 24 bits each.
 *
 * @param key Names the stream.
 * @param shape Wanted sizes.
 * @param counter u32 scalar that changes from step to step, or a number.
 * @returns `shape`, f32.
 *
 * @example
 * ```ts
 * import { uniform } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const values = await uniform({ key0: 1, key1: 2 }, [100], 0).data();
 * assert.ok(values.every((value) => value >= 0 && value < 1));
 * ```
 */
export function uniform(key: RandomKey, shape: Shape, counter: TensorLike): Tensor {
  // A float32 has 24 bits: more would round up to 1.
  return mul(cast(shiftRight(randomBits(key, shape, counter), 8), "f32"), 2 ** -24);
}

/**
 * Random numbers of the standard normal distribution, by Box and Muller: √(−2 log u)·cos(2πv).
 *
 * @param key Names the stream.
 * @param shape Wanted sizes.
 * @param counter u32 scalar that changes from step to step, or a number.
 * @returns `shape`, f32, mean 0 and variance 1, never beyond 5.8.
 *
 * @example
 * ```ts
 * import { normal } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const values = await normal({ key0: 1, key1: 2 }, [100], 0).data();
 * assert.ok(values.every((value) => Math.abs(value) < 5.8));
 * ```
 *
 * Source: Box and Muller, A note on the generation of random normal deviates (1958)
 */
export function normal(key: RandomKey, shape: Shape, counter: TensorLike): Tensor {
  const { key0, key1 } = key;
  const second = key1 instanceof Tensor ? bitwiseXor(key1, 0x9e3779b9) : (key1 ^ 0x9e3779b9) >>> 0;
  // 1 − u lies in (0, 1], where the logarithm is finite.
  const radius = sqrt(mul(log(sub(1, uniform(key, shape, counter))), -2));
  const angle = mul(uniform({ key0, key1: second }, shape, counter), 2 * Math.PI);
  return mul(radius, cos(angle));
}

/**
 * Which elements dropout keeps: true with probability 1 − `rate`.
 *
 * @param key Names the stream.
 * @param shape Wanted sizes.
 * @param counter u32 scalar that changes from step to step, or a number.
 * @param rate Share that is dropped, in [0, 1]; an f32 scalar, or a number.
 * @returns `shape`, bool.
 *
 * @example
 * ```ts
 * import { dropoutMask } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const kept = await dropoutMask({ key0: 1, key1: 2 }, [3], 0, 0).data();
 * assert.deepEqual([...kept], [1, 1, 1]);
 * ```
 */
export function dropoutMask(
  key: RandomKey,
  shape: Shape,
  counter: TensorLike,
  rate: TensorLike,
): Tensor {
  return greaterEqual(uniform(key, shape, counter), rate);
}
