import type { Shape } from "../graph/shape.ts";
import { type AnyLayer, isModel, type LayerCall, LayerOutput, type ModelNode } from "./connect.ts";
import { nameLayers, withName } from "./layer_names.ts";
import type { InputLayer } from "./layers/input.ts";
import { entriesOf, listNames, type NamedEntry } from "./named.ts";
import {
  callAgain,
  drawWeights,
  type ModelLayer,
  type PlacedCall,
  placeLayer,
} from "./place_layer.ts";

/** A use of a layer, with the numbers of the values it takes. */
export interface GraphCall extends PlacedCall {
  /** Numbers of its inputs among the graph's values. */
  readonly inputs: readonly number[];
}

/** A model's layers and their uses, in an order in which each finds its inputs made. */
export interface ModelGraph {
  /** Names of the inputs' places, in order. */
  readonly inputNames: readonly string[];
  /** Every layer once. */
  readonly structure: readonly ModelLayer[];
  /** Every use; the values are the inputs, then the outputs of each use. */
  readonly calls: readonly GraphCall[];
  /** Numbers of the model's outputs among the values. */
  readonly outputs: readonly number[];
  /** Shapes of the values, without the batch. */
  readonly shapes: readonly Shape[];
  /** The graph of the same layers and weights that this one was made of, for other inputs. */
  readonly origin?: ModelGraph;
}

/** What a graph is made from. */
export interface GraphDefinition {
  /** Name of the model, for messages. */
  readonly name: string;
  /** Seed of the first weights. */
  readonly seed: number;
  /** Inputs, with their names. */
  readonly inputs: readonly NamedEntry<InputLayer>[];
  /** Outputs, with their names. */
  readonly outputs: readonly NamedEntry<ModelNode>[];
  /** Most weights, in numbers; no limit by default. */
  readonly maxParameters?: number;
  /** Whether first weights are drawn at once (default), or when they are wanted first. */
  readonly draws?: boolean;
}

/** The graph whose layers and weights a graph has, for the same inputs or for others. */
export function originOf(graph: ModelGraph): ModelGraph {
  return graph.origin ?? graph;
}

/** The graph that leads from inputs to outputs; layers are named and have weights. */
export function buildGraph(definition: GraphDefinition): ModelGraph {
  const { name, seed, inputs, outputs, maxParameters = Infinity, draws = true } = definition;
  let parameters = 0;
  const nodes = inputs.map(([, node]) => node);
  const calls = orderCalls(outputs.map(([, node]) => node));
  const layers = [...new Set(calls.map(({ layer }) => ownerOf(layer)))];
  checkOwners(name, calls);
  const names = nameLayers([
    ...inputs.map(([key, node]) => ({ type: node.type, name: node.name || (key ?? "") })),
    ...layers.map(nameable),
  ]);
  const nameOf = new Map(layers.map((layer, place) => [layer, names[inputs.length + place]]));
  const places = new Map<AnyLayer, ModelLayer>();
  const counts = new Map<AnyLayer, number>();
  const first = new Map<LayerCall, number>();
  const shapes: Shape[] = nodes.map(({ inputShape }) => inputShape);
  const numberOf = (node: ModelNode): number => {
    if (node instanceof LayerOutput) return first.get(node.call)! + node.place;
    const found = nodes.indexOf(node);
    if (found >= 0) return found;
    throw new Error(
      `Cannot make the model ${name} as its outputs depend on an input of shape ` +
        `[${node.inputShape.join(", ")}] that is not among its inputs ` +
        `(${listNames(inputs.map(([key]) => key))}): add it`,
    );
  };
  const made = calls.map((use): GraphCall => {
    const layer = ownerOf(use.layer);
    const reverse = layer !== use.layer;
    const taken = use.inputs.map(numberOf);
    const given = taken.map((value) => shapes[value]);
    const call = (counts.get(layer) ?? 0) + 1;
    counts.set(layer, call);
    const known = places.get(layer);
    const place = known ??
      placeLayer(withName(layer, nameOf.get(layer)!), nameOf.get(layer)!, given, seed, reverse);
    places.set(layer, place);
    if (!known) parameters += place.parameters.reduce((total, { size }) => total + size, 0);
    if (parameters > maxParameters) {
      throw new RangeError(
        `Cannot make the model ${name} as it may have at most ${maxParameters} weights: received ` +
          `${parameters} up to ${place.name} (raise maxParameters if you trust its definition)`,
      );
    }
    const outputShape = known ? callAgain(place, given, seed, reverse) : place.outputShape;
    first.set(use, shapes.length);
    shapes.push(...entriesOf<Shape>(outputShape, Array.isArray).map(([, shape]) => shape));
    return { place, call, reverse, outputShape, inputs: taken };
  });
  // Not before it is known that there are no more than allowed: that takes long and much memory.
  const structure = [...places.values()];
  if (draws) structure.forEach(drawWeights);
  return {
    inputNames: names.slice(0, inputs.length),
    structure,
    calls: made,
    outputs: outputs.map(([, node]) => numberOf(node)),
    shapes,
  };
}

/** The layer whose weights a call uses. */
function ownerOf(layer: AnyLayer): AnyLayer {
  return "reverseOf" in layer ? layer.reverseOf ?? layer : layer;
}

/** Refuses a way back through a layer that stands elsewhere: it would have weights of its own. */
function checkOwners(name: string, calls: readonly LayerCall[]): void {
  const called = new Set(calls.map(({ layer }) => layer));
  const alone = calls.find(({ layer }) => !called.has(ownerOf(layer)));
  if (!alone) return;
  const { type } = alone.layer;
  throw new Error(
    `Cannot make the model ${name} as reversed stands in it without the ${type} layer that it ` +
      `reverses: call that layer in the same model, the same object in both places`,
  );
}

/**
 * Models that were given no name are counted like layers, and so is a model beside another form of
 * itself, as {@link frozen} makes: it could be given no name of its own.
 */
function nameable(
  layer: AnyLayer,
  place: number,
  layers: readonly AnyLayer[],
): { type: string; name: string } {
  const { type, name } = layer;
  if (!isModel(layer)) return { type, name };
  const origin = originOf(layer.definition.graph);
  const isTwin = layers.slice(0, place).some((other) =>
    isModel(other) && other.name === name && originOf(other.definition.graph) === origin
  );
  if (isTwin) return { type: name, name: "" };
  return { type, name: name === type.toLowerCase() ? "" : name };
}

/** Every use that the outputs need, each after those it needs itself. */
function orderCalls(outputs: readonly ModelNode[]): LayerCall[] {
  const ordered = new Set<LayerCall>();
  // A stack of our own: networks of thousands of layers would overflow that of the language.
  const stack = [...outputs].reverse().flatMap(callOf);
  while (stack.length > 0) {
    const call = stack[stack.length - 1];
    const missing = ordered.has(call)
      ? []
      : call.inputs.flatMap(callOf).filter((needed) => !ordered.has(needed));
    if (missing.length > 0) {
      stack.push(...missing.reverse());
      continue;
    }
    ordered.add(call);
    stack.pop();
  }
  return [...ordered];
}

function callOf(node: ModelNode): LayerCall[] {
  return node instanceof LayerOutput ? [node.call] : [];
}
