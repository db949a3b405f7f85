import type { Tensor } from "../../graph/tensor.ts";
import { ShapeError } from "../../graph/errors.ts";
import { formatShape } from "../../graph/shape.ts";
import { gradients } from "../../ops/gradients.ts";
import { matmul } from "../../ops/matmul.ts";
import { relu } from "../../ops/relu.ts";
import { tensor } from "../../ops/eager.ts";
import type { Attribution } from "./attribution.ts";

/** Options of {@link gradCam}. */
export interface GradCamOptions {
  /** Name of the convolution whose maps are weighed: `conv2d_2`; mostly the last one. */
  readonly layer: string;
  /** Height and width of the images; by default the first two axes of the inputs. */
  readonly size?: readonly [height: number, width: number];
}

/**
 * Grad-CAM: where in an image the maps of a convolution speak for the output.
 *
 * relu(Σ w_k · A_k), with the maps A_k of the layer and w_k the mean over the map of ∂score/∂A_k,
 * enlarged to the image's size by linear interpolation. Every channel of a pixel has its number.
 *
 * @param options The layer, and the size of images that the model takes as rows.
 * @returns A method for {@link explain} on models of images; none of its numbers is below 0.
 * @throws {ShapeError} when applied, if the layer gives no maps `[height, width, channels]`.
 *
 * @example
 * ```ts
 * import {
 *   conv2d, dense, explain, flatten, gradCam, input, predictions, sequential,
 * } from "@millrace/millrace";
 * import { lastValueFrom } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([4, 4, 1]), conv2d(2, 3), flatten(), dense(2)]);
 * const inputs = { data: Float32Array.from({ length: 16 }, (_, at) => at), shape: [1, 4, 4, 1] };
 * const method = gradCam({ layer: "conv2d_1" });
 * const options = { device: "cpu", threads: 1 } as const;
 * const batches = predictions(model, inputs, options).pipe(explain(method));
 * const { explanations } = await lastValueFrom(batches);
 * const { data, shape } = explanations.gradCam;
 * assert.deepEqual(shape, [1, 4, 4, 1]);
 * assert(data.every((value) => value >= 0));
 * ```
 *
 * Source: Selvaraju and others, "Grad-CAM: visual explanations from deep networks", 2017. Captum:
 * `LayerGradCam`.
 */
export function gradCam(options: GradCamOptions): Attribution {
  return {
    name: "gradCam",
    copies: 1,
    apply({ x, layer }) {
      const { activations, score } = layer(options.layer);
      if (activations.rank !== 4) {
        throw new ShapeError(
          `Cannot apply gradCam as the layer ${options.layer} must give maps of shape ` +
            `[height, width, channels]: received ${formatShape(activations.shape.slice(1))}`,
        );
      }
      const [slopes] = gradients(score, [activations]);
      const weights = slopes.mean([1, 2], { keepDims: true });
      const map = relu(activations.mul(weights).sum(-1));
      const [height, width] = options.size ?? x.shape.slice(1);
      const enlarged = enlarge(map, height, width);
      const channels = x.size / enlarged.size;
      if (!Number.isInteger(channels)) {
        throw new ShapeError(
          `Cannot apply gradCam to inputs of shape ${formatShape(x.shape.slice(1))} as their ` +
            `images have ${height} by ${width} pixels by the option size: give another one`,
        );
      }
      const shaped = enlarged.reshape([x.shape[0], height, width, 1]);
      return shaped.mul(tensor(Array<number>(channels).fill(1))).reshape(x.shape);
    },
  };
}

/** `[batch, rows, columns]` at another size; linear between the middles of pixels. */
function enlarge(map: Tensor, height: number, width: number): Tensor {
  const [, rows, columns] = map.shape;
  const across = matmul(map, tensor(interpolation(columns, width)).transpose());
  const down = matmul(across.transpose([0, 2, 1]), tensor(interpolation(rows, height)).transpose());
  return down.transpose([0, 2, 1]);
}

/** The matrix `[to, from]` that stretches a line of numbers. */
function interpolation(from: number, to: number): number[][] {
  return Array.from({ length: to }, (_, place) => {
    const middle = (place + 0.5) * from / to - 0.5;
    const exact = Math.min(from - 1, Math.max(0, middle));
    const below = Math.floor(exact);
    const row = Array<number>(from).fill(0);
    row[below] = 1 - (exact - below);
    if (below + 1 < from) row[below + 1] = exact - below;
    return row;
  });
}
