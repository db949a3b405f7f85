import { DataError, ShapeError } from "../../../graph/errors.ts";
import { formatShape, type Shape, sizeOf } from "../../../graph/shape.ts";
import { type NestedNumbers, tensor } from "../../../ops/eager.ts";
import type { Layer } from "../../layer.ts";

/** Samples to learn from, `[samples, ...features]`: nested arrays, or the inputs of a data set. */
export type AdaptSamples = NestedNumbers | {
  /** The numbers, row by row. */
  readonly data: ArrayLike<number>;
  /** `[samples, ...features]`. */
  readonly shape: Shape;
  /** Factor of the value a model sees, `data * scale + offset`; default 1. */
  readonly scale?: number;
  /** Term of the value a model sees, `data * scale + offset`; default 0. */
  readonly offset?: number;
};

/** A layer whose settings can be found from samples before training. */
export interface AdaptableLayer extends Layer {
  /**
   * The layer with the settings that samples give; this one stays as it is.
   *
   * @param samples `[samples, ...features]`, of the training part alone.
   * @throws {DataError} When there are none.
   */
  adapt(samples: AdaptSamples): AdaptableLayer;
}

/** The values that a model sees, in float64, and their shape. */
export function readSamples(layer: string, samples: AdaptSamples): {
  values: Float64Array;
  shape: Shape;
} {
  const stored = typeof samples === "object" && "data" in samples;
  const { data, shape, scale = 1, offset = 0 } = stored ? samples : nested(samples);
  if (sizeOf(shape) !== data.length) {
    throw new ShapeError(
      `Cannot adapt ${layer} as the samples need as many numbers as their shape ` +
        `${formatShape(shape)} holds: received ${data.length}`,
    );
  }
  if (data.length === 0 || shape.length === 0) {
    throw new DataError(
      `Cannot adapt ${layer} as it needs a sample or more: received shape ${formatShape(shape)}`,
    );
  }
  const values = Float64Array.from(data, (value) => value * scale + offset);
  const wrong = values.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) {
    const row = Math.floor(wrong / (data.length / shape[0])) + 1;
    throw new DataError(
      `Cannot adapt ${layer} as all samples must be finite numbers: received ${values[wrong]} in ` +
        `sample ${row - 1}`,
      { row },
    );
  }
  return { values, shape };
}

function nested(samples: NestedNumbers): {
  data: ArrayLike<number>;
  shape: Shape;
  scale?: number;
  offset?: number;
} {
  // The tensor checks that rows are of one length; it would round the numbers themselves.
  const { shape } = tensor(samples);
  return { data: ([samples] as unknown[]).flat(Infinity) as number[], shape };
}
