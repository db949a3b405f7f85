import { ShapeError } from "../../../graph/errors.ts";
import { formatShape, type Shape } from "../../../graph/shape.ts";
import { cast } from "../../../ops/cast.ts";
import { concat } from "../../../ops/concat.ts";
import { ones } from "../../../ops/eager.ts";
import { greater } from "../../../ops/greater.ts";
import { logicalOr } from "../../../ops/logical.ts";
import type { MergeLayer } from "../../merge_layer.ts";
import { checkNotOverSteps } from "../normalization.ts";
import { checkAxis } from "./check_axis.ts";
import { checkInputs, type MergeOptions } from "./elementwise.ts";

/** Options of {@link concatenate}. */
export interface ConcatenateOptions extends MergeOptions {
  /** The axis along which inputs are joined, counted with the batch, which is 0; default −1. */
  readonly axis?: number;
}

/**
 * Joins its inputs along an axis: `[batch, 4]` and `[batch, 3]` become `[batch, 7]`.
 *
 * @param options Axis, name.
 * @returns A layer of several inputs, without weights; all other sizes must be the same.
 * @throws {RangeError} when the axis is not a whole number, or is the batch.
 *
 * @example
 * ```ts
 * import { concatenate, connect, functional, input } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const a = input([4]);
 * const b = input([3]);
 * const model = functional({ inputs: { a, b }, outputs: connect([a, b], concatenate()) });
 * assert.deepEqual(model.outputShape, [7]);
 * ```
 *
 * Keras: `Concatenate`. PyTorch: `cat`.
 */
export function concatenate(options: ConcatenateOptions = {}): MergeLayer {
  const { axis = -1, name = "" } = options;
  checkAxis("concatenate", axis);
  return {
    merges: true,
    decodes: true,
    type: "Concatenate",
    name,
    config: { axis },
    init(shapes) {
      checkInputs(shapes, {});
      const [first] = shapes;
      const place = axis < 0 ? axis + first.length : axis - 1;
      const fits = (shape: Shape) =>
        shape.length === first.length &&
        shape.every((size, other) => other === place || size === first[other]);
      if (place < 0 || place >= first.length || !shapes.every(fits)) {
        throw new ShapeError(
          `expected inputs whose sizes but that of axis ${axis} are the same, got ` +
            shapes.map(formatShape).join(", "),
        );
      }
      const size = shapes.reduce((total, shape) => total + shape[place], 0);
      return { outputShape: first.with(place, size), parameters: [] };
    },
    apply(_parameters, inputs, context) {
      checkNotOverSteps([axis < 0 ? axis + inputs[0].rank : axis], inputs, context);
      return concat(inputs, axis);
    },
    computeMask(inputs, masks) {
      if (masks.every((mask) => mask === undefined)) return undefined;
      const place = axis < 0 ? axis + inputs[0].rank : axis;
      // What has no mask counts with all its steps.
      const steps = masks.find((mask) => mask)!.rank;
      const all = inputs.map(({ shape }, input) =>
        masks[input] ?? greater(ones(shape.slice(0, steps)), 0)
      );
      if (place >= steps) return all.reduce((either, mask) => logicalOr(either, mask));
      return greater(concat(all.map((mask) => cast(mask, "f32")), place), 0);
    },
  };
}
