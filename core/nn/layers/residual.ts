import { ShapeError } from "../../graph/errors.ts";
import { formatShape, sameShape, type Shape } from "../../graph/shape.ts";
import { add } from "../../ops/add.ts";
import { logicalOr } from "../../ops/logical.ts";
import {
  activatedShape,
  type ActivationFunction,
  type ActivationName,
  activationOf,
} from "../activations.ts";
import type { Layer } from "../layer.ts";
import type { LoneMergeLayer } from "../merge_layer.ts";
import { conv1d, conv2d, conv3d } from "./convolution/mod.ts";
import { dense } from "./dense.ts";
import {
  applyInner,
  decodesInner,
  initInner,
  type InnerLayer,
  innerLayers,
  innerMask,
  knowsMasks,
} from "./inner_layers.ts";

/** Options of {@link residual}. */
export interface ResidualOptions {
  /**
   * The layer, or layers in order, through which the inputs go to the sum. Default: none, the inputs
   * themselves, and where their shape is another than that of the layers' outputs a projection, a
   * convolution of size 1 or a dense layer, without bias.
   */
  readonly shortcut?: Layer | LoneMergeLayer | readonly (Layer | LoneMergeLayer)[];
  /** What is applied to the sum, by name or as a function; default `linear`. */
  readonly activation?: ActivationName | ActivationFunction;
  /** Name; default `residual_1` and so on in the model. */
  readonly name?: string;
  /** Shape of the inputs without the batch, for a first layer. */
  readonly inputShape?: Shape;
  /** Whether optimizers change the layer's weights; default true. */
  readonly trainable?: boolean;
}

/** Name of the shortcut that shapes ask for. */
const projectionName = "projection";

/**
 * Layers that follow one another, and a way round them: y = activation(F(x) + S(x)).
 *
 * F is the layers, S the shortcut: x itself, or what makes it of F's shape. The gradient of the sum
 * goes round the layers undiminished, so that very deep networks learn.
 *
 * Weights are named by the layers within, as `conv2d_1/kernel`, `projection/kernel`; layers without a
 * name are counted by type, those of the shortcut after the others. A mask goes on where it goes
 * through the layers and the shortcut.
 *
 * @param layers The layers F, in order, one or more; residual blocks may be among them.
 * @param options Shortcut, activation, name.
 * @returns A layer from a shape to that of F's outputs, f32.
 * @throws {TypeError} when there are no layers, or one is a model or takes several inputs; the model
 * refuses shapes that cannot be added.
 *
 * @example
 * ```ts
 * import {
 *   batchNormalization,
 *   conv2d,
 *   globalAveragePooling2d,
 *   input,
 *   reluLayer,
 *   residual,
 *   sequential,
 * } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const block = (filters: number, strides: number) =>
 *   residual([
 *     conv2d(filters, 3, { strides, padding: "same", useBias: false }),
 *     batchNormalization(),
 *     reluLayer(),
 *     conv2d(filters, 3, { padding: "same", useBias: false }),
 *     batchNormalization(),
 *   ], { activation: "relu" });
 * const model = sequential([input([28, 28, 16]), block(16, 1), block(32, 2), globalAveragePooling2d()]);
 * assert.deepEqual(model.layers.map(({ name }) => name), [
 *   "residual_1",
 *   "residual_2",
 *   "global_average_pooling2d_1",
 * ]);
 * assert.deepEqual(model.weights.get("residual_2/conv2d_1/kernel")!.shape, [3, 3, 16, 32]);
 * assert.deepEqual(model.weights.get("residual_2/projection/kernel")!.shape, [1, 1, 16, 32]);
 * ```
 *
 * Source: K. He and others, "Deep residual learning for image recognition", 2015; the projection is
 * its option B. Keras: `Add()([x, layers(x)])`, written by hand. PyTorch: a `Module`, as torchvision's
 * `BasicBlock`.
 */
export function residual(
  layers: readonly (Layer | LoneMergeLayer)[],
  options: ResidualOptions = {},
): Layer {
  const { shortcut, activation = "linear", name = "", inputShape, trainable } = options;
  const activate = activationOf(activation);
  const given = shortcut === undefined ? [] : [shortcut].flat() as (Layer | LoneMergeLayer)[];
  if (!Array.isArray(layers) || layers.length === 0) {
    throw new TypeError("Cannot make residual as it is made of layers: received none");
  }
  const all = innerLayers("residual", [...layers, ...given]);
  const [body, own] = [all.slice(0, layers.length), all.slice(layers.length)];
  const shortcutFor = (from: Shape, to: Shape): readonly InnerLayer[] =>
    shortcut === undefined ? projection(from, to) : own;
  return {
    type: "Residual",
    config: { layers, ...options },
    name,
    inputShape,
    trainable,
    decodes: all.every(decodesInner),
    init(given, key) {
      const made = initInner(body, given, key);
      const side = initInner(shortcutFor(given, made.outputShape), given, key);
      if (!sameShape(side.outputShape, made.outputShape)) {
        throw new ShapeError(
          `expected a shortcut from ${formatShape(given)} to ${
            formatShape(made.outputShape)
          }, as ` +
            `the layers give, got one to ${formatShape(side.outputShape)}`,
        );
      }
      return {
        outputShape: activatedShape(activate, made.outputShape),
        parameters: [...made.parameters, ...side.parameters],
      };
    },
    apply(parameters, x, context) {
      const [mask] = context.masks;
      const { tensor } = applyInner(body, parameters, { tensor: x, mask }, context);
      const chain = shortcutFor(x.shape.slice(1), tensor.shape.slice(1));
      const side = applyInner(chain, parameters, { tensor: x, mask }, context);
      return activate(add(tensor, side.tensor));
    },
    ...(all.every(knowsMasks) && {
      computeMask(x, mask) {
        const [made, side] = [innerMask(body, x, mask), innerMask(own, x, mask)];
        return made === side ? made : made && side && logicalOr(made, side);
      },
    }),
  };
}

/** A layer from one shape to another that works on each place by itself; none where both are one. */
function projection(from: Shape, to: Shape): InnerLayer[] {
  if (sameShape(from, to)) return [];
  const features = to[to.length - 1];
  const options = { useBias: false };
  const sizes = to.slice(0, -1);
  const strides = sizes.map((size, axis) => Math.ceil(from[axis] / size));
  const fits = from.length === to.length && sizes.length < 4 &&
    sizes.every((size, axis) => Math.ceil(from[axis] / strides[axis]) === size);
  if (!fits) {
    throw new ShapeError(
      `expected layers from ${
        formatShape(from)
      } to its shape, or to one that a convolution of size ` +
        `1 with strides gives, got ${formatShape(to)} (give the option shortcut)`,
    );
  }
  // Steps that stay where they are keep their mask.
  const stays = sizes.length < 2 && strides.every((stride) => stride === 1);
  const convolution = [conv1d, conv1d, conv2d, conv3d][sizes.length];
  const layer = stays
    ? dense(features, options)
    : convolution(features, 1, { strides, ...options });
  return [{ name: projectionName, layer }];
}
