import type { Tensor } from "../../../graph/tensor.ts";
import { add } from "../../../ops/add.ts";
import { concat } from "../../../ops/concat.ts";
import { div } from "../../../ops/div.ts";
import { equal } from "../../../ops/equal.ts";
import { greater } from "../../../ops/greater.ts";
import { max, min } from "../../../ops/max.ts";
import { clip } from "../../../ops/clip.ts";
import { minimum } from "../../../ops/minimum.ts";
import { mul } from "../../../ops/mul.ts";
import { floor } from "../../../ops/round.ts";
import { select } from "../../../ops/select.ts";
import { split } from "../../../ops/stack.ts";
import { sub } from "../../../ops/sub.ts";

/** Colors by hue, saturation and value, `[batch, height, width, 1]` each. */
export interface Hsv {
  /** Place in the circle of colors, in sixths of it: 0 red, 2 green, 4 blue; −1 to 5. */
  readonly hue: Tensor;
  /** How far from grey, 0 to 1. */
  readonly saturation: Tensor;
  /** The largest of red, green and blue. */
  readonly value: Tensor;
}

/** Colors of red, green and blue from 0 to 1, `[batch, height, width, 3]`. */
export function toHsv(x: Tensor): Hsv {
  const [red, green, blue] = split(x, 3, 3);
  const value = max(x, 3, { keepDims: true });
  const chroma = sub(value, min(x, 3, { keepDims: true }));
  const divisor = select(greater(chroma, 0), chroma, 1);
  const third = (one: Tensor, other: Tensor) => div(sub(one, other), divisor);
  const hue = select(
    equal(value, red),
    third(green, blue),
    select(equal(value, green), add(third(blue, red), 2), add(third(red, green), 4)),
  );
  return { hue, saturation: div(chroma, select(greater(value, 0), value, 1)), value };
}

/** The colors again, of any hue. */
export function fromHsv({ hue, saturation, value }: Hsv): Tensor {
  const channels = [5, 3, 1].map((place) => {
    const at = add(hue, place);
    const turn = sub(at, mul(floor(mul(at, 1 / 6)), 6));
    const share = clip(minimum(turn, sub(4, turn)), 0, 1);
    return sub(value, mul(mul(value, saturation), share));
  });
  return concat(channels, 3);
}
