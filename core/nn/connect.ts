import { received } from "../state/received.ts";
import type { Layer } from "./layer.ts";
import type { InputLayer } from "./layers/input.ts";
import type { LoneMergeLayer, MergeLayer } from "./merge_layer.ts";
import type { Model } from "./model.ts";
import { entriesOf, type Like, listNames, type OneOrNamed, type Tensors } from "./named.ts";

/** A model of any inputs and outputs. */
export type AnyModel = Model<Tensors, Tensors>;

/** What may stand in a model: a layer, a layer of several inputs, or another model. */
export type AnyLayer = Layer | MergeLayer<Tensors> | AnyModel;

/** One use of a layer; a layer that is used twice shares its weights between both. */
export interface LayerCall {
  /** The layer. */
  readonly layer: AnyLayer;
  /** What it takes, in its order. */
  readonly inputs: readonly ModelNode[];
}

/** What a layer gives: made by {@link connect}. */
export class LayerOutput {
  /** Made by {@link connect}. */
  constructor(
    /** The use of the layer. */
    readonly call: LayerCall,
    /** Which of its outputs, from 0. */
    readonly place: number,
  ) {}
}

/** A value of a functional model: one of its inputs, or what a layer gives. */
export type ModelNode = InputLayer | LayerOutput;

/** Whether a thing of a graph is a model rather than a layer. */
export function isModel(layer: AnyLayer): layer is AnyModel {
  return "structure" in layer;
}

/** Whether a value is a node that stands alone, rather than nodes by name. */
export function isNode(value: unknown): value is ModelNode {
  return value instanceof LayerOutput ||
    (typeof value === "object" && value !== null && "type" in value &&
      value.type === "InputLayer");
}

/**
 * Calls a layer on a node of a functional model, and further layers on what it gives.
 *
 * A layer object that is called twice is one layer with one set of weights. A model stands for a
 * layer; its weights are those of the original.
 *
 * @param from What the layer takes: a node; a list of nodes for a layer that merges; nodes by name
 * for a model of several inputs.
 * @param layer The layer or model.
 * @param rest Layers of one input and one output to call on the result, in order.
 * @returns The output, or the outputs by name of a layer or model that has several.
 * @throws {TypeError} when nodes do not fit the layer, or something is neither node nor layer.
 *
 * @example
 * ```ts
 * import { concatenate, connect, dense, functional, input } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const left = input([3]);
 * const right = input([2]);
 * const shared = dense(4, { activation: "relu" });
 * const joined = connect([connect(left, dense(2), shared), connect(right, shared)], concatenate());
 * const model = functional({ inputs: { left, right }, outputs: connect(joined, dense(1)) });
 * assert.deepEqual(model.layers.map(({ name }) => name), [
 *   "dense_1",
 *   "dense_2",
 *   "concatenate_1",
 *   "dense_3",
 * ]);
 * ```
 *
 * Keras calls the layer itself: `dense(4)(x)`; here layers are plain records.
 */
export function connect(
  from: ModelNode,
  layer: Layer | LoneMergeLayer | Model,
  ...rest: readonly (Layer | LoneMergeLayer | Model)[]
): LayerOutput;
/** Calls a layer of several inputs on a list of nodes, and further layers on what it gives. */
export function connect(
  from: readonly ModelNode[],
  layer: MergeLayer,
  ...rest: readonly (Layer | LoneMergeLayer | Model)[]
): LayerOutput;
/** Calls a layer of several outputs, as `lstm` with `returnState`, on a node. */
export function connect<O extends Tensors>(
  from: ModelNode,
  layer: LoneMergeLayer<O>,
): Like<O, LayerOutput>;
/** Calls a layer of several inputs and outputs on a list of nodes. */
export function connect<O extends Tensors>(
  from: readonly ModelNode[],
  layer: MergeLayer<O>,
): Like<O, LayerOutput>;
/** Calls a model of several inputs or outputs on nodes by name. */
export function connect<X extends Tensors, O extends Tensors>(
  from: Like<X, ModelNode>,
  model: Model<X, O>,
): Like<O, LayerOutput>;
export function connect(
  from: OneOrNamed<ModelNode> | readonly ModelNode[],
  layer: AnyLayer,
  ...rest: readonly (Layer | LoneMergeLayer | Model)[]
): OneOrNamed<LayerOutput> {
  const first = call(from, layer);
  if (rest.length === 0) return first;
  if (!(first instanceof LayerOutput)) {
    throw new TypeError(
      `Cannot connect ${rest.length} more layers as ${describe(layer)} gives several outputs: ` +
        `received ${listNames(Object.keys(first))}, connect one of them`,
    );
  }
  return rest.reduce<LayerOutput>(
    (node, next) => call(node, next) as LayerOutput,
    first,
  );
}

function call(
  from: OneOrNamed<ModelNode> | readonly ModelNode[],
  layer: AnyLayer,
): OneOrNamed<LayerOutput> {
  if (typeof layer !== "object" || layer === null || typeof layer.apply !== "function") {
    throw new TypeError(
      `Cannot connect as what is called must be a layer or a model: received ` +
        received(layer),
    );
  }
  if (isModel(layer)) return callModel(from, layer);
  const merges = "merges" in layer;
  const inputs = Array.isArray(from) ? from as readonly ModelNode[] : [from];
  const fits = merges === Array.isArray(from) || (merges && layer.alone);
  if (!fits || !inputs.every(isNode)) {
    throw new TypeError(
      `Cannot connect ${describe(layer)} as it takes ${
        merges ? "a list of nodes" : "one node"
      }: received ${describeNodes(from)}`,
    );
  }
  return outputsOf({ layer, inputs }, merges && layer.outputNames);
}

/** The outputs of a call: one, or several by name. */
function outputsOf(
  made: LayerCall,
  names: readonly string[] | undefined | false,
): OneOrNamed<LayerOutput> {
  if (!names) return new LayerOutput(made, 0);
  return Object.fromEntries(names.map((name, place) => [name, new LayerOutput(made, place)]));
}

function callModel(
  from: OneOrNamed<ModelNode> | readonly ModelNode[],
  model: AnyModel,
): OneOrNamed<LayerOutput> {
  const shapes = model.inputShape;
  const given = isNode(from) ? new Map([[null, from]]) : new Map<string | null, unknown>(
    Array.isArray(from) ? [] : Object.entries(from),
  );
  const names: (string | null)[] = Array.isArray(shapes) ? [null] : Object.keys(shapes);
  const inputs = names.map((name) => given.get(name));
  if (given.size !== names.length || !inputs.every(isNode)) {
    throw new TypeError(
      `Cannot connect ${describe(model)} as its inputs are ${listNames(names)}: received ${
        describeNodes(from)
      }`,
    );
  }
  const made: LayerCall = { layer: model, inputs: inputs as ModelNode[] };
  const outputs = entriesOf(model.outputShape as OneOrNamed<unknown>, Array.isArray);
  return outputsOf(made, outputs[0][0] !== null && outputs.map(([name]) => name!));
}

function describe(layer: AnyLayer): string {
  return layer.name === "" ? `a ${layer.type} layer` : `the ${layer.type} "${layer.name}"`;
}

function describeNodes(from: unknown): string {
  if (isNode(from)) return "one node";
  if (Array.isArray(from)) return `a list of ${from.length}`;
  return typeof from === "object" && from !== null
    ? `nodes by name (${listNames(Object.keys(from))})`
    : String(from);
}
