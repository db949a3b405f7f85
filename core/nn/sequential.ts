import { ShapeError } from "../graph/errors.ts";
import { checkCount } from "./check_count.ts";
import { type AnyLayer, connect, isModel, type ModelNode } from "./connect.ts";
import type { Layer } from "./layer.ts";
import { nameLayers, withFields } from "./layer_names.ts";
import { input, type InputLayer } from "./layers/input.ts";
import type { LoneMergeLayer } from "./merge_layer.ts";
import { Model } from "./model.ts";
import { received } from "../state/received.ts";
import { buildGraph } from "./model_graph.ts";

/** Options of {@link sequential} and {@link functional}. */
export interface ModelOptions {
  /** Name; default `sequential` or `functional`. */
  readonly name?: string;
  /** Seed of the first weights, a whole number from 0; default 0. (Keras: a new one each time.) */
  readonly seed?: number;
  /**
   * Layers of a segment, from 1, for less memory in training: of a segment only what it hands on is
   * kept for the backward pass, in which the rest is computed again: the same numbers and masks, and
   * the same gradients up to the rounding of sums, whose order may be another one. It costs the time
   * of a second forward pass. With about the square root of all layers least is kept; a segment is
   * longer where more than one value goes on, as around a residual connection. Default: all is kept.
   */
  readonly recompute?: number;
}

/**
 * A model whose layers follow one another.
 *
 * Layers without a name are named by type and count: `dense_1`, `dense_2`, `dropout_1`. (Keras 3
 * starts with `dense`; here weights of the first layer are as easy to find as those of the others.)
 * The first weights depend on the seed and these names alone, so that a dropout layer put between
 * two dense ones does not change them.
 *
 * @param layers The layers; the first is {@link input}, a model, or has the option `inputShape`. A
 * model stands for a layer, and shares its weights.
 * @param options Name, seed, whether segments are computed again.
 * @returns The model, with weights.
 * @throws {Error} when there is no input shape, two layers have one name, or shapes do not fit.
 *
 * @example
 * ```ts
 * import { dense, input, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([2]), dense(3, { activation: "sigmoid" }), dense(1)]);
 * const weights = model.parameters.reduce((count, parameter) => count + parameter.size, 0);
 * assert.equal(weights, 13);
 * ```
 *
 * Keras: `Sequential`; `recompute` is `RematScope`. PyTorch: `nn.Sequential`, `checkpoint_sequential`.
 */
export function sequential(
  layers: readonly (Layer | LoneMergeLayer | Model)[],
  options: ModelOptions = {},
): Model {
  const { name = "sequential", seed = 0, recompute } = options;
  checkCount(`the seed of the model ${name}`, seed);
  if (recompute !== undefined) checkCount(`recompute of the model ${name}`, recompute, 1);
  if (!Array.isArray(layers)) {
    throw new TypeError(
      `Cannot make a sequential model as its layers must be a list, such as ` +
        `[input([784]), dense(10)]: received ${received(layers)}`,
    );
  }
  const wrong = layers.findIndex((layer) => typeof layer?.apply !== "function");
  if (wrong >= 0) {
    throw new TypeError(
      `Cannot make the model ${name} as each of its layers must be a layer or a model: received ` +
        `${received(layers[wrong])} at place ${wrong}`,
    );
  }
  const [first] = layers;
  if (!first || !("inputShape" in first) || !first.inputShape) {
    throw new ShapeError(
      `Cannot make the model ${name} as the shape of its inputs is not known: start it with ` +
        `input([784]), or give its first layer the option inputShape`,
    );
  }
  const start = isInput(first) ? first : input(first.inputShape);
  const body = isInput(first) ? layers.slice(1) : layers;
  if (body.some(isInput) || body.length === 0) {
    throw new ShapeError(
      `Cannot make the model ${name} as it must be one input and layers after it: received ` +
        nameLayers(layers).join(", "),
    );
  }
  const output = ownWeights(body).reduce<ModelNode>((node, layer) => connect(node, layer), start);
  const graph = buildGraph({ name, seed, inputs: [[null, start]], outputs: [[null, output]] });
  return new Model({
    type: "Sequential",
    name,
    seed,
    graph,
    inputKeys: [null],
    outputKeys: [null],
    recompute,
  });
}

function isInput(layer: AnyLayer): layer is InputLayer {
  return layer.type === "InputLayer";
}

/** Layers of which none is another: in a stack, each place has weights of its own. */
function ownWeights(
  layers: readonly (Layer | LoneMergeLayer | Model)[],
): (Layer | LoneMergeLayer | Model)[] {
  return layers.map((layer, place) =>
    isModel(layer) || layers.indexOf(layer) === place
      ? layer
      : withFields(layer, {}) as Layer | LoneMergeLayer
  );
}
