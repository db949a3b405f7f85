import { DTypeError, ShapeError } from "../graph/errors.ts";
import { formatShape, sameShape, type Shape } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { checkBatch } from "./check_batch.ts";
import { checkCount } from "./check_count.ts";
import type { ApplyContext, Layer } from "./layer.ts";
import { nameLayers } from "./layer_names.ts";
import { Parameter } from "./parameter.ts";
import { namedKey } from "./named_key.ts";

/** A layer in its place in a model. */
export interface ModelLayer {
  /** The layer. */
  readonly layer: Layer;
  /** Shape of what it takes, without the batch. */
  readonly inputShape: Shape;
  /** Shape of what it gives, without the batch. */
  readonly outputShape: Shape;
  /** Its weights, in the layer's order. */
  readonly parameters: readonly Parameter[];
}

/** What a {@link Model} is made from. */
export interface ModelDefinition {
  /** Name, for messages and logs. */
  readonly name: string;
  /** Seed of the first weights. */
  readonly seed: number;
  /** Shape of the inputs without the batch. */
  readonly inputShape: Shape;
  /** Layers in order, each with a name of its own. */
  readonly layers: readonly Layer[];
}

/**
 * Layers with weights: a function from a batch of inputs to a batch of outputs.
 *
 * Made by {@link sequential}. Its weights are drawn when it is made.
 */
export class Model {
  /** Name, for messages and logs. */
  readonly name: string;
  /** Seed of the first weights. */
  readonly seed: number;
  /** Shape of the inputs without the batch. */
  readonly inputShape: Shape;
  /** Shape of the outputs without the batch. */
  readonly outputShape: Shape;
  /** The layers, in order, without `input`. */
  readonly layers: readonly Layer[];
  /** The layers with their shapes and weights, in order. */
  readonly structure: readonly ModelLayer[];
  /** All weights, in the order of the layers. */
  readonly parameters: readonly Parameter[];

  /**
   * Makes a model of named layers, and draws its weights; {@link sequential} is the way to it.
   *
   * @param definition Name, seed, input shape and layers.
   * @throws {Error} when a layer cannot take the shape it is given; the message names the layer.
   */
  constructor(definition: ModelDefinition) {
    this.name = definition.name;
    this.seed = checkCount(`the seed of the model ${definition.name}`, definition.seed);
    this.inputShape = definition.inputShape;
    this.layers = definition.layers;
    let shape = definition.inputShape;
    this.structure = definition.layers.map((layer) => {
      const placed = placeLayer(layer, shape, this.seed);
      shape = placed.outputShape;
      return placed;
    });
    this.outputShape = shape;
    this.parameters = this.structure.flatMap((place) => place.parameters);
  }

  /**
   * The outputs for a batch, as symbols.
   *
   * @param values A tensor for every weight of {@link Model.parameters}, f32 and of its shape.
   * @param x Inputs, `[batch, ...inputShape]`, f32.
   * @param context The run's scalars and random keys.
   * @returns Outputs, `[batch, ...outputShape]`, f32.
   * @throws {ShapeError} when the batch does not fit; the message names the layer.
   *
   * @example
   * ```ts
   * import { dense, input, sequential, tensor } from "@millrace/millrace";
   * import assert from "node:assert/strict";
   *
   * const model = sequential([input([784]), dense(10)]);
   * const labels = tensor([[0, 1, 0, 0, 0, 0, 0, 0, 0, 0]]);
   * assert.throws(
   *   () => model.apply(new Map(), labels, null!),
   *   /dense_1: expected input of 784 features, got 10 \(did you pass labels as inputs\?\)/,
   * );
   * ```
   */
  apply(values: ReadonlyMap<Parameter, Tensor>, x: Tensor, context: ApplyContext): Tensor {
    const first = this.structure[0].layer.name;
    within(first, () => checkBatch(x.shape, this.inputShape, this.outputShape));
    let value = x;
    for (const place of this.structure) {
      value = within(place.layer.name, () => applyLayer(place, values, value, context));
    }
    return value;
  }
}

/** Options of {@link sequential}. */
export interface SequentialOptions {
  /** Name; default `sequential`. */
  readonly name?: string;
  /** Seed of the first weights, a whole number from 0; default 0. (Keras: a new one each time.) */
  readonly seed?: number;
}

/**
 * A model whose layers follow one another.
 *
 * Layers without a name are named by type and count: `dense_1`, `dense_2`, `dropout_1`. (Keras 3
 * starts with `dense`; here weights of the first layer are as easy to find as those of the others.)
 * The first weights depend on the seed and these names alone, so that a dropout layer put between
 * two dense ones does not change them.
 *
 * @param layers The layers; the first is {@link input}, or has the option `inputShape`.
 * @param options Name and seed.
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
 * Keras: `Sequential`. PyTorch: `nn.Sequential`.
 */
export function sequential(layers: readonly Layer[], options: SequentialOptions = {}): Model {
  const { name = "sequential", seed = 0 } = options;
  const [first] = layers;
  if (!first?.inputShape) {
    throw new ShapeError(
      `Cannot make the model ${name} as the shape of its inputs is not known: start it with ` +
        `input([784]), or give its first layer the option inputShape`,
    );
  }
  const named = nameLayers(layers);
  const body = first.type === "InputLayer" ? named.slice(1) : named;
  const misplaced = body.find((layer) => layer.type === "InputLayer");
  if (misplaced || body.length === 0) {
    throw new ShapeError(
      `Cannot make the model ${name} as it must be one input and layers after it: received ` +
        `${named.map((layer) => layer.name).join(", ")}`,
    );
  }
  return new Model({ name, seed, inputShape: first.inputShape, layers: body });
}

function placeLayer(layer: Layer, inputShape: Shape, seed: number): ModelLayer {
  return within(layer.name, () => {
    if (layer.inputShape && !sameShape(layer.inputShape, inputShape)) {
      throw new ShapeError(
        `expected input of shape ${
          formatShape(layer.inputShape)
        }, as its option inputShape says, ` +
          `got ${formatShape(inputShape)} from the layer before it`,
      );
    }
    const { outputShape, parameters } = layer.init(inputShape, namedKey(seed, layer.name));
    return {
      layer,
      inputShape,
      outputShape,
      parameters: parameters.map((parameter) =>
        new Parameter({
          ...parameter,
          name: `${layer.name}/${parameter.name}`,
          trainable: parameter.trainable && layer.trainable !== false,
        })
      ),
    };
  });
}

function applyLayer(
  { layer, outputShape, parameters }: ModelLayer,
  values: ReadonlyMap<Parameter, Tensor>,
  x: Tensor,
  context: ApplyContext,
): Tensor {
  const given: Record<string, Tensor> = {};
  for (const parameter of parameters) {
    const value = values.get(parameter);
    if (!value) throw new Error(`expected a tensor for the weight ${parameter.name}, got none`);
    given[parameter.name.slice(layer.name.length + 1)] = value;
  }
  const output = layer.apply(given, x, scopedContext(context, layer.name));
  const expected = [x.shape[0], ...outputShape];
  if (!sameShape(output.shape, expected)) {
    throw new ShapeError(
      `expected outputs of shape ${formatShape(expected)}, as its init says, got ` +
        `${formatShape(output.shape)}`,
    );
  }
  // A layer may give its input back, which belongs to the layer before it.
  if (output !== x) output.label ??= layer.name;
  return output;
}

/** The context with the layer's name before the names of scalars and keys. */
function scopedContext(context: ApplyContext, layer: string): ApplyContext {
  return {
    training: context.training,
    get counter() {
      return context.counter;
    },
    scalar: (source, name, range) => context.scalar(source, `${layer}/${name}`, range),
    randomKey: (name) => context.randomKey(`${layer}/${name}`),
    assign: (name, value) => context.assign(`${layer}/${name}`, value),
    addLoss: (penalty) => context.addLoss(penalty),
  };
}

/** Runs `body`; errors begin with the layer's name. */
function within<Result>(layer: string, body: () => Result): Result {
  try {
    return body();
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    const message = `${layer}: ${cause.message}`;
    if (cause instanceof ShapeError) throw new ShapeError(message, { cause });
    if (cause instanceof DTypeError) throw new DTypeError(message, { cause });
    throw new Error(message, { cause });
  }
}
