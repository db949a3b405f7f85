import { ShapeError } from "../../../graph/errors.ts";
import { formatShape, type Shape } from "../../../graph/shape.ts";
import { slice } from "../../../ops/concat.ts";
import type { Layer } from "../../layer.ts";
import { checkPlaces } from "../convolution/geometry.ts";
import { type Border, sidesOf } from "./border.ts";
import type { PlainOptions } from "./plain.ts";

/** A frame taken away from `rank` axes; see `cropping1d`, `2d` and `3d`. */
export function cropping(
  rank: 1 | 2 | 3,
  border: Border,
  config: PlainOptions & { readonly cropping: unknown },
): Layer {
  const sides = sidesOf(`cropping${rank}d`, rank, border);
  const sizesOf = (shape: Shape) => {
    checkPlaces(rank, shape);
    const sizes = sides.map(([before, after], axis) => shape[axis] - before - after);
    if (sizes.every((size) => size > 0)) return sizes;
    throw new ShapeError(
      `expected input that is larger than what is cut off, ${JSON.stringify(sides)}, got shape ` +
        formatShape(shape),
    );
  };
  return {
    type: `Cropping${rank}D`,
    config: { ...config },
    name: config.name ?? "",
    inputShape: config.inputShape,
    init: (given) => ({ outputShape: [...sizesOf(given), given[rank]], parameters: [] }),
    apply(_parameters, x) {
      const sizes = sizesOf(x.shape.slice(1));
      const begin = sides.map(([before]) => before);
      const end = sizes.map((size, axis) => begin[axis] + size);
      return slice(x, [0, ...begin, 0], [x.shape[0], ...end, x.shape[rank + 1]]);
    },
  };
}
