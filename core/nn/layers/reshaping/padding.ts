import { pad } from "../../../ops/stack.ts";
import type { Layer } from "../../layer.ts";
import { checkPlaces } from "../convolution/geometry.ts";
import { type Border, sidesOf } from "./border.ts";
import type { PlainOptions } from "./plain.ts";

/** Zeros around `rank` axes; see `zeroPadding1d`, `2d` and `3d`. */
export function zeroPadding(
  rank: 1 | 2 | 3,
  border: Border,
  config: PlainOptions & { readonly padding: unknown },
): Layer {
  const sides = sidesOf(`zeroPadding${rank}d`, rank, border);
  return {
    type: `ZeroPadding${rank}D`,
    config: { ...config },
    name: config.name ?? "",
    inputShape: config.inputShape,
    init(given) {
      checkPlaces(rank, given);
      const sizes = sides.map(([before, after], axis) => before + given[axis] + after);
      return { outputShape: [...sizes, given[rank]], parameters: [] };
    },
    apply: (_parameters, x) => pad(x, [[0, 0], ...sides, [0, 0]]),
  };
}
