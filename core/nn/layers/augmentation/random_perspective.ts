import { iota } from "../../../graph/leaf.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { add } from "../../../ops/add.ts";
import { div } from "../../../ops/div.ts";
import { greater } from "../../../ops/greater.ts";
import { mul } from "../../../ops/mul.ts";
import { select } from "../../../ops/select.ts";
import { sub } from "../../../ops/sub.ts";
import { broadcastTo } from "../../../ops/sum.ts";
import { checkScalar } from "../../check_scalar.ts";
import type { Layer } from "../../layer.ts";
import { samplerOf, type SamplingOptions } from "./affine.ts";
import { type Factor, rangeOf } from "./factor.ts";
import { type Draws, imageLayer } from "./image_layer.ts";
import { chosenBy, perPicture } from "./picture_values.ts";

/** Options of {@link randomPerspective}. */
export interface RandomPerspectiveOptions extends SamplingOptions {
  /** How probable it is, from 0 to 1: the least and the most, or 0 to one number; default 1. */
  readonly factor?: Factor;
  /** How far corners move at most, as a share of the way to the middle, from 0 to 1; default 0.5. */
  readonly scale?: number;
}

/** Corners in the unit square, around it. */
const corners = [[0, 0], [1, 0], [1, 1], [0, 1]] as const;

/**
 * Shows some of the pictures as if seen from the side, in training: their corners move inwards.
 *
 * Each corner moves towards the middle by shares of half the width and half the height that are even over
 * 0 to `scale`; the picture follows by the projective map that takes the corners there. Pictures follow
 * from (seed, step, layer name), on every device alike; in inference y = x.
 *
 * @param options {@link RandomPerspectiveOptions}; `fillMode` is `constant` by default.
 * @returns A layer of `[batch, height, width, channels]` inputs, without weights.
 * @throws {RangeError} when a factor or the scale is out of range, or an option is not known.
 *
 * @example
 * ```ts
 * import { input, randomPerspective, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([28, 28, 1]), randomPerspective({ factor: [0.5, 0.5] })]);
 * assert.deepEqual(model.outputShape, [28, 28, 1]);
 * ```
 *
 * Source: P. Heckbert, "Fundamentals of texture mapping and image warping", 1989, section 2.2.3. Keras:
 * `RandomPerspective`, whose corners move otherwise. PyTorch:
 * `torchvision.transforms.RandomPerspective`, with this scale.
 */
export function randomPerspective(options: RandomPerspectiveOptions = {}): Layer {
  const factory = "randomPerspective";
  const { scale = 0.5, fillMode = "constant" } = options;
  const shares = { minimum: 0, maximum: 1 };
  const chance = rangeOf(factory, "factor", options.factor ?? 1, shares);
  checkScalar(`scale of ${factory}`, scale, shares);
  const sample = samplerOf(factory, { ...options, fillMode });
  return imageLayer({
    type: "RandomPerspective",
    factory,
    config: { ...options },
    change(x, draws) {
      const [batch, height, width] = x.shape;
      const [tall, wide] = [Math.max(1, height - 1), Math.max(1, width - 1)];
      const down = mul(iota([1, height, 1], 1, "f32"), 1 / tall);
      const right = mul(iota([1, 1, width], 2, "f32"), 1 / wide);
      const { rows, columns } = seenFrom(draws, scale, down, right);
      const whole = (places: Tensor, size: number) =>
        broadcastTo(mul(places, size), [batch, height, width]);
      const warped = sample(x, whole(rows, tall), whole(columns, wide));
      return select(perPicture(chosenBy(draws, chance)), warped, x);
    },
  }, options);
}

/** A place that no picture reaches. */
const nowhere = -1e6;

/** Where in the unit square stands what is shown at places of it, once its corners have moved. */
function seenFrom(
  draws: Draws,
  scale: number,
  y: Tensor,
  x: Tensor,
): { rows: Tensor; columns: Tensor } {
  const [[x0, y0], [x1, y1], [x2, y2], [x3, y3]] = corners.map(([column, row], place) =>
    (["x", "y"] as const).map((axis) => {
      const moved = mul(draws.uniform(`corner_${place}_${axis}`, [0, scale]), 0.5);
      return (axis === "x" ? column : row) === 0 ? moved : sub(1, moved);
    })
  );
  const cross = (a: Tensor, b: Tensor, c: Tensor, d: Tensor) => sub(mul(a, b), mul(c, d));
  // The map from the square to the corners: (a u + b v + c, d u + e v + f) / (g u + h v + 1).
  const [rightX, rightY, downX, downY] = [sub(x1, x2), sub(y1, y2), sub(x3, x2), sub(y3, y2)];
  const [restX, restY] = [add(sub(x0, x1), sub(x2, x3)), add(sub(y0, y1), sub(y2, y3))];
  const whole = cross(rightX, downY, downX, rightY);
  const g = div(cross(restX, downY, downX, restY), whole);
  const h = div(cross(rightX, restY, restX, rightY), whole);
  const [a, b] = [add(sub(x1, x0), mul(g, x1)), add(sub(x3, x0), mul(h, x3))];
  const [d, e] = [add(sub(y1, y0), mul(g, y1)), add(sub(y3, y0), mul(h, y3))];
  const [c, f] = [x0, y0];
  // Back by the adjugate; in perspective nothing is seen of what is behind.
  const along = (p: Tensor, q: Tensor, r: Tensor) => add(add(mul(p, x), mul(q, y)), r);
  const depth = along(cross(d, h, e, g), cross(b, g, a, h), cross(a, e, b, d));
  const isSeen = greater(depth, 1e-6);
  const place = (p: Tensor, q: Tensor, r: Tensor) =>
    select(isSeen, div(along(p, q, r), select(isSeen, depth, 1)), nowhere);
  return {
    columns: place(sub(e, mul(f, h)), sub(mul(c, h), b), cross(b, f, c, e)),
    rows: place(sub(mul(f, g), d), sub(a, mul(c, g)), cross(c, d, a, f)),
  };
}
