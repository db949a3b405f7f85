/** What a picture may go through in {@link randAugment} and {@link augMix}. */
import { iota } from "../../../graph/leaf.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { abs } from "../../../ops/abs.ts";
import { add } from "../../../ops/add.ts";
import { cast } from "../../../ops/cast.ts";
import { clip } from "../../../ops/clip.ts";
import { equal } from "../../../ops/equal.ts";
import { greater } from "../../../ops/greater.ts";
import { mul } from "../../../ops/mul.ts";
import { round } from "../../../ops/round.ts";
import { select } from "../../../ops/select.ts";
import { cos, sin } from "../../../ops/sin.ts";
import { sub } from "../../../ops/sub.ts";
import { broadcastTo, mean } from "../../../ops/sum.ts";
import type { Sampler } from "./affine.ts";
import { equalized } from "./equalized.ts";
import type { Bounds } from "./factor.ts";
import { perPicture, posterized, smoothed, stretched, towards } from "./picture_values.ts";

/** All changes. The first ones move pixels, the others change their values. */
export const changes = [
  ...["identity", "shearX", "shearY", "translateX", "translateY", "rotate"],
  ...["brightness", "contrast", "color", "sharpness", "solarize", "posterize"],
  ...["autoContrast", "equalize"],
] as const;

/** How strong a change is at a factor of 1: shares, and for turns an angle (30 degrees). */
const strongest = { shear: 0.3, translate: 0.45, rotate: Math.PI / 6, values: 0.9 };

/**
 * Every picture changed in its own way.
 *
 * @param x `[batch, height, width, channels]`.
 * @param kind Which of {@link changes} each picture goes through, `[batch, 1, 1]`.
 * @param amount How strongly, from −1 to 1, `[batch, 1, 1]`.
 */
export function changedBy(
  x: Tensor,
  kind: Tensor,
  amount: Tensor,
  sample: Sampler,
  range: Bounds,
): Tensor {
  return valuesChanged(movedBy(x, kind, amount, sample), kind, amount, range);
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
