import { lastValueFrom } from "rxjs";
import { arrays } from "../../../data/arrays.ts";
import { type Shape, sizeOf } from "../../graph/shape.ts";
import { checkCount } from "../../nn/check_count.ts";
import { checkScalar } from "../../nn/check_scalar.ts";
import { frozen } from "../../nn/frozen.ts";
import type { Layer } from "../../nn/layer.ts";
import { input } from "../../nn/layers/input.ts";
import type { Model } from "../../nn/model.ts";
import { adam } from "../../nn/optimizers/adam.ts";
import { l2 } from "../../nn/regularizers/l2.ts";
import { sequential } from "../../nn/sequential.ts";
import { clip } from "../../ops/clip.ts";
import { broadcastTo } from "../../ops/sum.ts";
import { foldKey } from "../../state/fold_key.ts";
import { RandomStream } from "../../state/random_stream.ts";
import { fit } from "../fit.ts";
import type { DeviceOptions } from "../open_device.ts";
import { settled } from "../settled.ts";

/** Options of {@link activationMaximisation}. */
export interface ActivationMaximisationOptions extends DeviceOptions {
  /** Number of the output that shall be large. */
  readonly target: number;
  /** Steps of gradient ascent, from 1; default 200. */
  readonly steps?: number;
  /** Learning rate of Adam, above 0; default 0.05. */
  readonly learningRate?: number;
  /** Factor of Σx², which keeps features that do not matter at 0; default 0.01. */
  readonly decay?: number;
  /** Smallest and largest value of a feature; default [0, 1]. */
  readonly range?: readonly [minimum: number, maximum: number];
  /** Seed of the input that it starts from, a whole number from 0; default 0. */
  readonly seed?: number;
}

/** What {@link activationMaximisation} gives. */
export interface MaximalInput {
  /** The input, `[...inputShape]`. */
  readonly data: Float32Array;
  /** The model's input shape. */
  readonly shape: readonly number[];
}

/**
 * The input for which an output is largest: what the model would like best to see.
 *
 * argmax score(x) − decay · Σx², by gradient ascent from weak noise: the input is the only weight of
 * a network in which the model stands frozen, and is trained as any other weight.
 *
 * @param model The model, with outputs `[outputs]`.
 * @param options Which output, how far, how bounded.
 * @returns The input.
 * @throws {RangeError} when an option is out of range.
 *
 * @example
 * ```ts
 * import { activationMaximisation, dense, input, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([2]), dense(1)]);
 * model.parameters[0].set([3, -1]);
 * const { data } = await activationMaximisation(model, { target: 0, device: "cpu", threads: 1 });
 * assert(data[0] > 0.99 && data[1] < 0.01);
 * ```
 *
 * Source: Erhan and others, "Visualizing higher-layer features of a deep network", 2009.
 */
export async function activationMaximisation(
  model: Model,
  options: ActivationMaximisationOptions,
): Promise<MaximalInput> {
  const { target, steps = 200, learningRate = 0.05, decay = 0.01, seed = 0 } = options;
  const { range = [0, 1], device, threads, dtypePolicy } = options;
  const outputs = sizeOf(model.outputShape);
  if (!Number.isInteger(target) || target < 0 || target >= outputs) {
    throw new RangeError(
      `Cannot maximise an output as target must be from 0 to ${outputs - 1}: received ${target}`,
    );
  }
  checkCount("the steps of activationMaximisation", steps, 1);
  checkCount("the seed of activationMaximisation", seed);
  checkScalar("the decay of activationMaximisation", decay, { minimum: 0 });
  checkScalar("the range of activationMaximisation", range[1], { minimum: range[0] });
  const wanted = pictured(model.inputShape, { range, decay, seed });
  const network = sequential([input([1]), wanted, frozen(model)]);
  const data = arrays([[0]], [[0]]);
  await lastValueFrom(fit(network, data, {
    loss: {
      name: "score",
      apply: (_targets, made) =>
        made.reshape([made.shape[0], -1]).slice([0, target], [made.shape[0], target + 1]).neg()
          .sum(-1),
    },
    optimizer: adam({ learningRate }),
    epochs: steps,
    device: device ?? "cpu",
    threads,
    dtypePolicy,
  }));
  await settled(network);
  return { data: network.parameters[0].value.slice(), shape: [...model.inputShape] };
}

/** A layer that gives its weight, whatever its input. */
function pictured(
  shape: Shape,
  { range: [minimum, maximum], decay, seed }: {
    readonly range: readonly [number, number];
    readonly decay: number;
    readonly seed: number;
  },
): Layer {
  const noise = new RandomStream(foldKey(seed, "activation_maximisation"));
  return {
    type: "Picture",
    name: "picture",
    init: () => ({
      outputShape: shape,
      parameters: [{
        name: "picture",
        shape,
        values: Float32Array.from(
          { length: sizeOf(shape) },
          () => minimum + (maximum - minimum) * 0.1 * noise.uniform(),
        ),
        trainable: true,
        regularizer: l2(decay),
        constraint: { name: "range", apply: (values) => clip(values, minimum, maximum) },
      }],
    }),
    apply: ({ picture }, x) => broadcastTo(picture.reshape([1, ...shape]), [x.shape[0], ...shape]),
  };
}
