import { iota } from "../../../graph/leaf.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { clip } from "../../../ops/clip.ts";
import { greaterEqual } from "../../../ops/greater_equal.ts";
import { less } from "../../../ops/less.ts";
import { logicalAnd } from "../../../ops/logical.ts";
import { mul } from "../../../ops/mul.ts";
import { normal } from "../../../ops/random.ts";
import { reshape } from "../../../ops/reshape.ts";
import { select } from "../../../ops/select.ts";
import { sqrt } from "../../../ops/sqrt.ts";
import { sub } from "../../../ops/sub.ts";
import { add } from "../../../ops/add.ts";
import { chosenBy } from "./picture_values.ts";
import type { Layer } from "../../layer.ts";
import { checkScalar } from "../../check_scalar.ts";
import { type Bounds, type Factor, orderedPair, rangeOf } from "./factor.ts";
import { type Draws, imageLayer } from "./image_layer.ts";
import type { ValueOptions } from "./value_layer.ts";

/** Options of {@link randomErasing}. */
export interface RandomErasingOptions extends ValueOptions {
  /** How probable it is, from 0 to 1: the least and the most, or 0 to one number; default 1. */
  readonly factor?: Factor;
  /** Squares of the patch's shares of height and of width, each even over these; default [0.02, 0.33]. */
  readonly scale?: Bounds;
  /** What stands in the patch; by default noise of the normal distribution times white. */
  readonly fillValue?: number;
}

/**
 * Erases a rectangle of some of the pictures, in training.
 *
 * Each picture has a probability, even over `factor`, and a patch whose height and width are shares
 * √s of those of the picture, s even over `scale`, at any place where it fits. It follows from (seed,
 * step, layer name); in inference y = x.
 *
 * @param options {@link RandomErasingOptions}.
 * @returns A layer of `[batch, height, width, channels]` inputs, without weights.
 * @throws {RangeError} when a factor, the scale or the range is wrong.
 *
 * @example
 * ```ts
 * import { input, randomErasing, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const layer = randomErasing({ factor: [0.5, 0.5], fillValue: 0 });
 * assert.deepEqual(sequential([input([32, 32, 3]), layer]).outputShape, [32, 32, 3]);
 * ```
 *
 * Source: Z. Zhong and others, "Random erasing data augmentation", 2017. Keras: `RandomErasing`. PyTorch:
 * `torchvision.transforms.RandomErasing`.
 */
export function randomErasing(options: RandomErasingOptions = {}): Layer {
  const factory = "randomErasing";
  const shares = { minimum: 0, maximum: 1 };
  const chance = rangeOf(factory, "factor", options.factor ?? 1, shares);
  const scale = orderedPair(factory, "scale", options.scale ?? [0.02, 0.33], shares);
  const [black, white] = orderedPair(factory, "valueRange", options.valueRange ?? [0, 255]);
  const { fillValue } = options;
  if (fillValue !== undefined) checkScalar(`fillValue of ${factory}`, fillValue);
  return imageLayer({
    type: "RandomErasing",
    factory,
    config: { ...options },
    change(x, draws) {
      const fill = fillValue === undefined
        ? clip(mul(normal(draws.key("noise"), x.shape, draws.counter), white), black, white)
        : Math.min(Math.max(fillValue, black), white);
      const chosen = chosenBy(draws, chance);
      const patch = logicalAnd(
        within(draws, 1, x.shape[1], scale),
        within(draws, 2, x.shape[2], scale),
      );
      const mask = logicalAnd(chosen, patch);
      return select(reshape(mask, [...mask.shape, 1]), fill, x);
    },
  }, options);
}

/** Whether places along an axis lie in each picture's patch. */
function within(draws: Draws, axis: 1 | 2, size: number, scale: Bounds): Tensor {
  const name = axis === 1 ? "height" : "width";
  const length = mul(sqrt(draws.uniform(name, scale)), size);
  const start = mul(draws.uniform(`${name}_start`, [0, 1]), sub(size, length));
  const places = iota([1, 1, 1].with(axis, size), axis, "f32");
  return logicalAnd(greaterEqual(places, start), less(places, add(start, length)));
}
