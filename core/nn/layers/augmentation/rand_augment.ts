import { iota } from "../../../graph/leaf.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { abs } from "../../../ops/abs.ts";
import { add } from "../../../ops/add.ts";
import { cast } from "../../../ops/cast.ts";
import { clip } from "../../../ops/clip.ts";
import { equal } from "../../../ops/equal.ts";
import { greater } from "../../../ops/greater.ts";
import { mul } from "../../../ops/mul.ts";
import { floor, round } from "../../../ops/round.ts";
import { select } from "../../../ops/select.ts";
import { cos, sin } from "../../../ops/sin.ts";
import { sub } from "../../../ops/sub.ts";
import { broadcastTo, mean } from "../../../ops/sum.ts";
import { checkCount } from "../../check_count.ts";
import { checkScalar } from "../../check_scalar.ts";
import type { Layer } from "../../layer.ts";
import { type Sampler, samplerOf, type SamplingOptions } from "./affine.ts";
import { type Bounds, orderedPair } from "./factor.ts";
import { equalized } from "./equalized.ts";
import { imageLayer } from "./image_layer.ts";
import { perPicture, posterized, smoothed, stretched, towards } from "./picture_values.ts";

/** Options of {@link randAugment}. */
export interface RandAugmentOptions extends SamplingOptions {
  /** The values of black and of white, where results are cut off; default [0, 255]. */
  readonly valueRange?: Bounds;
  /** How many changes each picture goes through, one after the other, from 1; default 2. */
  readonly numOps?: number;
  /** How strong the changes are at most, from 0 to 1; default 0.5. */
  readonly factor?: number;
}

/** What a picture may go through. The first ones move pixels, the others change their values. */
const changes = [
  ...["identity", "shearX", "shearY", "translateX", "translateY", "rotate"],
  ...["brightness", "contrast", "color", "sharpness", "solarize", "posterize"],
  ...["autoContrast", "equalize"],
] as const;

/** How strong a change is at a factor of 1: shares, and for turns an angle (30 degrees). */
const strongest = { shear: 0.3, translate: 0.45, rotate: Math.PI / 6, values: 0.9 };

/**
 * Sends every picture through some changes that are drawn for it, each by an amount of its own, in
 * training: one number, `factor`, is all there is to choose.
 *
 * Each of `numOps` turns draws one of fourteen changes, all as likely, and an amount a even over −factor
 * to factor: nothing; leaning by 0.3 a and moving by 0.45 a of the size, across or down; turning by 30 a
 * degrees; brightness, contrast, color and sharpness, 0.9 a more or less of each; solarize, values above
 * white − |a| · (white − black) mirrored; posterize, up to four bits of eight less; autoContrast, each
 * channel stretched from black to white; equalize, its values spread as by {@link equalization}. They follow from (seed, step, layer name); in inference y = x.
 *
 * @param options Bounds of values, number of changes, factor, what stands outside, name, seed.
 * @returns A layer of `[batch, height, width, channels]` inputs, without weights.
 * @throws {RangeError} when an option is out of range.
 *
 * @example
 * ```ts
 * import { input, randAugment, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([32, 32, 3]), randAugment({ valueRange: [0, 1], factor: 0.3 })]);
 * assert.deepEqual(model.outputShape, [32, 32, 3]);
 * ```
 *
 * Source: E. Cubuk and others, "RandAugment: practical automated data augmentation with a reduced
 * search space", 2019, whose changes and greatest amounts these are. Keras: `RandAugment`, which draws the changes for a whole batch, and turns by up to half a turn at 0.5.
 * PyTorch: `torchvision.transforms.RandAugment`.
 */
export function randAugment(options: RandAugmentOptions = {}): Layer {
  const factory = "randAugment";
  const { numOps = 2, factor = 0.5 } = options;
  const range = orderedPair(factory, "valueRange", options.valueRange ?? [0, 255]);
  checkCount(`the numOps of ${factory}`, numOps, 1);
  checkScalar(`factor of ${factory}`, factor, { minimum: 0, maximum: 1 });
  const sample = samplerOf(factory, options);
  return imageLayer({
    type: "RandAugment",
    factory,
    config: { ...options },
    change(x, draws) {
      let pictures = x;
      for (let turn = 0; turn < numOps; turn++) {
        const kind = floor(draws.uniform(`kind_${turn}`, [0, changes.length]));
        const amount = draws.uniform(`amount_${turn}`, [-factor, factor]);
        const moved = movedBy(pictures, kind, amount, sample);
        pictures = valuesChanged(moved, kind, amount, range);
      }
      return pictures;
    },
  }, options);
}

function is(kind: Tensor, change: typeof changes[number]): Tensor {
  return equal(kind, changes.indexOf(change));
}

/** Pictures that lean, are moved or turned; the others are sampled where they are. */
function movedBy(x: Tensor, kind: Tensor, amount: Tensor, sample: Sampler): Tensor {
  const [batch, height, width] = x.shape;
  const by = (change: typeof changes[number], most: number) =>
    mul(mul(amount, most), cast(is(kind, change), "f32"));
  const [middleY, middleX] = [(height - 1) / 2, (width - 1) / 2];
  const down = sub(iota([1, height, 1], 1, "f32"), middleY);
  const right = sub(iota([1, 1, width], 2, "f32"), middleX);
  const angle = by("rotate", strongest.rotate);
  // One amount of a picture is not 0, so that their order does not matter.
  const rows = add(
    add(mul(cos(angle), down), mul(add(sin(angle), by("shearY", strongest.shear)), right)),
    by("translateY", strongest.translate * height),
  );
  const columns = add(
    sub(mul(cos(angle), right), mul(sub(sin(angle), by("shearX", strongest.shear)), down)),
    by("translateX", strongest.translate * width),
  );
  const whole = (positions: Tensor, middle: number) =>
    broadcastTo(add(positions, middle), [batch, height, width]);
  return sample(x, whole(rows, middleY), whole(columns, middleX));
}

/** Pictures of other values; the others stay as they are. */
function valuesChanged(x: Tensor, kind: Tensor, amount: Tensor, [black, white]: Bounds): Tensor {
  const range = [black, white] as const;
  const given = perPicture(amount);
  const share = abs(given);
  const more = mul(given, strongest.values);
  const around = (middle: Tensor) => towards(middle, x, add(more, 1));
  // 1, 2, 4, 8 or 16, exactly.
  const bits = round(mul(share, 4));
  const steps = [1, 2, 4, 8].map((size, place) => select(greater(bits, place), size, 0))
    .reduce((sum, size) => add(sum, size));
  const made: Partial<Record<typeof changes[number], Tensor>> = {
    brightness: add(x, mul(more, white - black)),
    contrast: around(mean(x, [1, 2], { keepDims: true })),
    color: around(mean(x, 3, { keepDims: true })),
    sharpness: around(smoothed(x)),
    solarize: select(
      greater(x, sub(white, mul(share, white - black))),
      sub(white + black, x),
      x,
    ),
    posterize: posterized(x, add(steps, 1), range),
    autoContrast: stretched(x, range),
    equalize: equalized(x, range, 256),
  };
  return Object.entries(made).reduce(
    (y, [change, values]) =>
      select(perPicture(is(kind, change as typeof changes[number])), clip(values, black, white), y),
    x,
  );
}
