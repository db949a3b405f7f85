import type { Layer } from "../../layer.ts";
import type { ScalarSource } from "../../scalar.ts";
import { checkPlaces } from "../convolution/geometry.ts";
import { dropped, noiseLayer, type NoiseOptions, rates } from "./noise.ts";

/** Dropout of whole channels over `rank` axes; see `spatialDropout1d`, `2d` and `3d`. */
export function spatialDropout(
  rank: 1 | 2 | 3,
  rate: ScalarSource,
  options: NoiseOptions,
): Layer {
  return noiseLayer(
    {
      type: `SpatialDropout${rank}D`,
      factory: `spatialDropout${rank}d`,
      amount: "rate",
      range: rates,
      check: (shape) => checkPlaces(rank, shape),
      disturb(x, share, key, counter) {
        const { shape } = x;
        const mask = shape.map((size, axis) => axis === 0 || axis === rank + 1 ? size : 1);
        return dropped(x, mask, share, key, counter);
      },
    },
    rate,
    options,
  );
}
