import { outputSizes, type Window } from "../../../graph/window.ts";
import type { Shape } from "../../../graph/shape.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { div } from "../../../ops/div.ts";
import { maxPool, sumPool } from "../../../ops/pooling.ts";
import { tensor } from "../../../ops/eager.ts";
import type { Layer } from "../../layer.ts";
import {
  asVolume,
  type AxisSizes,
  fromVolume,
  geometryOf,
  type Padding,
  threeAxes,
  windowOver,
} from "./geometry.ts";

/** Options of pooling layers. */
export interface PoolingOptions {
  /** Places from one window to the next, one number or one an axis; default the window's size. */
  readonly strides?: AxisSizes;
  /** Whether windows reach beyond the input; default `valid`. */
  readonly padding?: Exclude<Padding, "causal">;
  /** Name; default the type and a count, as `max_pooling2d_1`. */
  readonly name?: string;
  /** Shape of the inputs without the batch, for a first layer. */
  readonly inputShape?: Shape;
}

/** A pooling over `rank` axes; see `maxPooling2d`, `averagePooling2d` and their kin. */
export function pooling(
  kind: "Max" | "Average",
  rank: 1 | 2 | 3,
  poolSize: AxisSizes,
  options: PoolingOptions,
): Layer {
  const factory = `${kind.toLowerCase()}Pooling${rank}d`;
  const { strides = poolSize, padding = "valid", name = "", inputShape } = options;
  const geometry = geometryOf(factory, rank, { size: poolSize, strides, padding, dilation: 1 });
  return {
    type: `${kind}Pooling${rank}D`,
    name,
    inputShape,
    config: { ...options, poolSize },
    init(given) {
      const sizes = outputSizes(windowOver(geometry, given), threeAxes(given.slice(0, -1)));
      return { outputShape: [...sizes.slice(3 - rank), given[rank]], parameters: [] };
    },
    apply(_parameters, x) {
      const window = windowOver(geometry, x.shape.slice(1));
      const volume = asVolume(x);
      const pooled = kind === "Max" ? maxPool(volume, window) : averaged(volume, window);
      return fromVolume(pooled, rank);
    },
  };
}

/** The mean of the inputs under each window: places outside of the input do not count. */
function averaged(x: Tensor, window: Window): Tensor {
  const sums = sumPool(x, window);
  const taps = window.size[0] * window.size[1] * window.size[2];
  if (window.before.every((zeros) => zeros === 0) && window.after.every((zeros) => zeros === 0)) {
    return div(sums, taps);
  }
  return div(sums, countsOf(x.shape, window));
}

/** Inputs under each window, `[1, depth, height, width, 1]`. */
function countsOf(shape: Shape, window: Window): Tensor {
  const sizes = outputSizes(window, [shape[1], shape[2], shape[3]]);
  const along = sizes.map((outputs, axis) =>
    Array.from({ length: outputs }, (_, output) => {
      const first = output * window.strides[axis] - window.before[axis];
      const end = Math.min(first + window.size[axis], shape[axis + 1]);
      return end - Math.max(0, first);
    })
  );
  const counts = along[0].flatMap((depth) =>
    along[1].flatMap((height) => along[2].map((width) => depth * height * width))
  );
  return tensor(Float32Array.from(counts), { shape: [1, ...sizes, 1] });
}
