import type { Shape } from "../graph/shape.ts";
import { ShapeError } from "../graph/errors.ts";
import type { Tensor } from "../graph/tensor.ts";
import { inferenceContext } from "./layer_names.ts";
import { checkBatch } from "./check_batch.ts";
import { type AnyLayer, isModel } from "./connect.ts";
import type { ApplyContext } from "./layer.ts";
import type { Mask, Masked } from "./mask.ts";
import type { GraphCall, ModelGraph } from "./model_graph.ts";
import { fromEntries, type Like, listNames, tensorEntries, type Tensors } from "./named.ts";
import type { Parameter } from "./parameter.ts";
import { recomputeSegment, type Segment, segmentsOf } from "./segments.ts";
import { applyCall, type ModelLayer, within } from "./place_layer.ts";

/** What a {@link Model} is made from. */
export interface ModelDefinition {
  /** Keras's class name: what made it. */
  readonly type: "Sequential" | "Functional";
  /** Name, for messages and logs. */
  readonly name: string;
  /** Seed of the first weights. */
  readonly seed: number;
  /** The layers and how they are connected. */
  readonly graph: ModelGraph;
  /** Names of the inputs; `[null]` for one that stands alone. */
  readonly inputKeys: readonly (string | null)[];
  /** Names of the outputs; `[null]` for one that stands alone. */
  readonly outputKeys: readonly (string | null)[];
  /** False for a model whose weights stay as they are; default true. */
  readonly trainable?: boolean;
  /** False for a model that acts as in inference in training too; default true. */
  readonly training?: boolean;
  /** Calls of a segment that is computed again in the backward pass; by default none is. */
  readonly recompute?: number;
}

const none: ReadonlyMap<number, Segment> = new Map();

/** What a model makes of a batch: its outputs, and which of their steps count. */
export interface MaskedOutputs<O extends Tensors> {
  /** The outputs. */
  readonly outputs: O;
  /** The masks of those that have one, by name; `null` for one that stands alone. */
  readonly masks: ReadonlyMap<string | null, NonNullable<Mask>>;
}

/**
 * Layers with weights: a function from a batch of inputs to a batch of outputs.
 *
 * Made by {@link sequential} or {@link functional}; a stack of layers is the graph with one input
 * and one output. Its weights are drawn when it is made. `X` and `O` say whether inputs and outputs
 * are one tensor each, or tensors by name.
 */
export class Model<X extends Tensors = Tensor, O extends Tensors = Tensor> {
  /** Keras's class name: `Sequential` or `Functional`. */
  readonly type: "Sequential" | "Functional";
  /** Name, for messages and logs. */
  readonly name: string;
  /** Seed of the first weights. */
  readonly seed: number;
  /** False for a model whose weights stay as they are, as {@link frozen} makes it. */
  readonly trainable: boolean;
  /** Shape of the inputs without the batch. */
  readonly inputShape: Like<X, Shape>;
  /** Shape of the outputs without the batch. */
  readonly outputShape: Like<O, Shape>;
  /** The layers, in order, without inputs. */
  readonly layers: readonly AnyLayer[];
  /** The layers with their shapes and weights, in order. */
  readonly structure: readonly ModelLayer[];
  /** All weights, in the order of the layers. */
  readonly parameters: readonly Parameter[];
  /** The weights that training changes: all but those of frozen layers and counted states. */
  readonly trainableParameters: readonly Parameter[];
  /** All weights by their names in this model: `dense_1/kernel`, `encoder/dense_1/kernel`. */
  readonly weights: ReadonlyMap<string, Parameter>;
  /**
   * What it was made from.
   *
   * @internal
   */
  readonly definition: ModelDefinition;
  readonly #names = new Map<Parameter, string>();
  readonly #losers = new Set<string>();
  readonly #segments: ReadonlyMap<number, Segment>;

  /**
   * Makes a model of a graph; {@link sequential} and {@link functional} are the ways to it.
   *
   * @param definition Name, seed and graph.
   */
  constructor(definition: ModelDefinition) {
    const { type, name, seed, graph, inputKeys, outputKeys, trainable = true } = definition;
    this.definition = definition;
    this.type = type;
    this.name = name;
    this.seed = seed;
    this.trainable = trainable;
    this.#segments = definition.recompute ? segmentsOf(graph, definition.recompute) : none;
    const shapesOf = (keys: readonly (string | null)[], values: readonly number[]) =>
      fromEntries(keys.map((key, place) => [key, graph.shapes[values[place]]]));
    this.inputShape = shapesOf(inputKeys, inputKeys.map((_, place) => place)) as Like<X, Shape>;
    this.outputShape = shapesOf(outputKeys, graph.outputs) as Like<O, Shape>;
    this.structure = graph.structure;
    this.layers = this.structure.map(({ layer }) => layer);
    this.parameters = [...new Set(this.structure.flatMap(({ parameters }) => parameters))];
    this.weights = new Map(
      this.structure.flatMap((place) =>
        [...place.weights].map(([role, weight]) => [`${place.name}/${role}`, weight])
      ),
    );
    for (const [name, parameter] of this.weights) {
      if (!this.#names.has(parameter)) this.#names.set(parameter, name);
    }
    this.trainableParameters = trainable ? [...new Set(this.structure.flatMap(trainableIn))] : [];
  }

  /**
   * The outputs for a batch, as symbols.
   *
   * @param values A tensor for every weight of {@link Model.parameters}, f32 and of its shape.
   * @param x Inputs, `[batch, ...inputShape]`, f32; by name where the model's inputs have names.
   * @param context The run's scalars and random keys.
   * @returns Outputs, `[batch, ...outputShape]`, f32; by name where the model's outputs have names.
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
  apply(values: ReadonlyMap<Parameter, Tensor>, x: X, context: ApplyContext): O {
    return this.applyMasked(values, x, context).outputs;
  }

  /**
   * As {@link Model.apply}, with the masks that go with the outputs.
   *
   * @param values A tensor for every weight.
   * @param x Inputs; their masks are those of `given`.
   * @param given The run's scalars and random keys.
   * @returns Outputs and masks.
   * @throws {ShapeError} when the batch does not fit.
   */
  applyMasked(
    values: ReadonlyMap<Parameter, Tensor>,
    x: X,
    given: ApplyContext,
  ): MaskedOutputs<O> {
    const { graph, outputKeys, training = true } = this.definition;
    const context = training ? given : inferenceContext(given);
    const made: Masked[] = this.#inputs(x).map((tensor, place) => ({
      tensor,
      mask: context.masks[place],
    }));
    const segments = context.training ? this.#segments : none;
    graph.calls.forEach((call, number) => {
      const taken = call.inputs.map((value) => made[value]);
      made.push(...applyCall(call, values, taken, context, (place) => this.#warnOfLostMask(place)));
      const segment = segments.get(number);
      if (!segment) return;
      const tensor = recomputeSegment(segment, (value) => made[value].tensor, values);
      made[segment.output] = { ...made[segment.output], tensor };
    });
    const outputs = outputKeys.map((key, place) => [key, made[graph.outputs[place]]] as const);
    return {
      outputs: fromEntries(outputs.map(([key, { tensor }]) => [key, tensor] as const)) as O,
      masks: new Map(outputs.flatMap(([key, { mask }]) => mask ? [[key, mask] as const] : [])),
    };
  }

  /** Says once that what comes behind a layer sees padding as if it were data. */
  #warnOfLostMask({ name, layer }: ModelLayer): void {
    if (this.#losers.has(name)) return;
    this.#losers.add(name);
    console.error(
      `Warning: the mask of the inputs of ${name} ends there, as ${layer.type} does not support ` +
        `masking: what comes behind it takes padding for data.`,
    );
  }

  /**
   * A layer with its shapes and weights.
   *
   * @param name The layer's name: `dense_1`.
   * @returns The layer in its place; `place.layer` is the layer itself, or the nested model.
   * @throws {RangeError} when there is no layer of that name; the message lists those there are.
   *
   * @example
   * ```ts
   * import { dense, input, sequential } from "@millrace/millrace";
   * import assert from "node:assert/strict";
   *
   * const model = sequential([input([2]), dense(3, { name: "hidden" }), dense(1)]);
   * assert.deepEqual(model.getLayer("hidden").weights.get("kernel")!.shape, [2, 3]);
   * assert.throws(() => model.getLayer("dense_7"), /its layers are hidden, dense_1/);
   * ```
   *
   * Keras: `Model.get_layer(name)`.
   */
  getLayer(name: string): ModelLayer {
    const found = this.structure.find((place) => place.name === name);
    if (found) return found;
    throw new RangeError(
      `Cannot find a layer "${name}" in the model ${this.name}: its layers are ` +
        listNames(this.structure.map((place) => place.name)),
    );
  }

  /**
   * Fills the states that go from batch to batch with zeros: what a `stateful` layer, as of {@link
   * lstm}, predicts next is the beginning of other sequences. In training the operator {@link
   * resetStates} does it.
   *
   * @throws {RangeError} when no layer is stateful.
   *
   * @example
   * ```ts
   * import { input, lstm, predict, sequential } from "@millrace/millrace";
   * import assert from "node:assert/strict";
   *
   * const model = sequential([input([4, 1]), lstm(2, { stateful: true, batchSize: 1 })]);
   * const x = { data: Float32Array.of(1, 2, 3, 4), shape: [1, 4, 1] };
   * const first = await predict(model, x, { device: "cpu", threads: 1 });
   * const second = await predict(model, x, { device: "cpu", threads: 1 });
   * assert.notDeepEqual(second.data, first.data);
   * model.resetStates();
   * assert.deepEqual((await predict(model, x, { device: "cpu", threads: 1 })).data, first.data);
   * ```
   *
   * Keras: `reset_states` of a layer.
   */
  resetStates(): void {
    const states = this.parameters.filter(({ state }) => state);
    if (states.length === 0) {
      throw new RangeError(
        `Cannot reset states of the model ${this.name} as none of its layers is stateful`,
      );
    }
    for (const parameter of states) parameter.set(new Float32Array(parameter.size));
  }

  /**
   * The name of a weight in this model, which of a nested model is another than in the original.
   *
   * @param parameter One of {@link Model.parameters}.
   */
  nameOf(parameter: Parameter): string {
    return this.#names.get(parameter) ?? parameter.name;
  }

  /**
   * Refuses a batch that does not fit the model.
   *
   * @param shapes Shapes of the inputs, the batch axis among them, by name; `null` for the only one.
   * @throws {ShapeError} when one is missing, or has another shape behind its first axis.
   * @internal
   */
  checkInputs(shapes: ReadonlyMap<string | null, Shape>): void {
    const { graph, inputKeys, outputKeys } = this.definition;
    if (!inputKeys.every((key) => shapes.has(key))) {
      throw new ShapeError(
        `Cannot apply the model ${this.name} as its inputs are ${listNames(inputKeys)}: received ${
          listNames(shapes.keys())
        }`,
      );
    }
    const outputShape = outputKeys.length === 1 ? graph.shapes[graph.outputs[0]] : [];
    inputKeys.forEach((key, place) => {
      const reader = key ?? readerOf(graph.calls, place) ?? this.name;
      within(reader, () => checkBatch(shapes.get(key)!, graph.shapes[place], outputShape));
    });
  }

  /** The tensors of a batch, in the order of the inputs. */
  #inputs(x: X): Tensor[] {
    const given = new Map(tensorEntries(x));
    this.checkInputs(new Map([...given].map(([key, { shape }]) => [key, shape])));
    return this.definition.inputKeys.map((key) => given.get(key)!);
  }
}

/** Name of the layer that takes an input: what a message of a model with one input begins with. */
function readerOf(calls: readonly GraphCall[], input: number): string | undefined {
  return calls.find(({ inputs }) => inputs.includes(input))?.place.name;
}

function trainableIn({ layer, parameters }: ModelLayer): readonly Parameter[] {
  if (isModel(layer)) return layer.trainableParameters;
  return parameters.filter(({ trainable }) => trainable);
}
