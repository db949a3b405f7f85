import { sameShape, type Shape } from "../graph/shape.ts";
import { isModel } from "./connect.ts";
import { input } from "./layers/input.ts";
import { Model, type ModelDefinition } from "./model.ts";
import { type GraphCall, type ModelGraph, originOf } from "./model_graph.ts";
import { entriesOf, type Like, type OneOrNamed, type Tensors } from "./named.ts";
import { callAgain, type ModelLayer } from "./place_layer.ts";

/**
 * The same model for inputs of other sizes: it has the very weights of the original.
 *
 * What a model of sequences has learnt, say, works on shorter ones too.
 *
 * @param model The model.
 * @param inputShape Shape of the inputs without the batch; by name for a model of several inputs.
 * @returns A model whose weights change when those of the original do.
 * @throws {ShapeError} when a layer cannot take such inputs, or needs other weights for them.
 *
 * @example
 * ```ts
 * import { dense, input, sequential, withInputShape } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([20, 4]), dense(3)]);
 * const shorter = withInputShape(model, [5, 4]);
 * assert.deepEqual(shorter.outputShape, [5, 3]);
 * assert.equal(shorter.parameters[0], model.parameters[0]);
 * ```
 *
 * Keras: a size of `None` in the shape of an input.
 */
export function withInputShape<X extends Tensors, O extends Tensors>(
  model: Model<X, O>,
  inputShape: Like<X, Shape>,
): Model<X, O> {
  const { definition } = model;
  const given = new Map(entriesOf<Shape>(inputShape as OneOrNamed<Shape>, Array.isArray));
  const shapes = definition.inputKeys.map((key) => {
    const shape = given.get(key);
    if (shape) return input(shape).inputShape;
    throw new TypeError(
      `Cannot give the model ${model.name} other inputs as each needs a shape: received none for ` +
        `${key ?? "its input"}`,
    );
  });
  return new Model<X, O>({ ...definition, graph: reshapedGraph(definition, shapes) });
}

/** Shapes of a graph's inputs, in order. */
export function inputShapesOf({ inputNames, shapes }: ModelGraph): readonly Shape[] {
  return shapes.slice(0, inputNames.length);
}

/** Whether a graph is for inputs of these shapes. */
export function takesShapes(graph: ModelGraph, shapes: readonly Shape[]): boolean {
  const own = inputShapesOf(graph);
  return own.length === shapes.length &&
    own.every((shape, place) => sameShape(shape, shapes[place]));
}

/** A model's graph for inputs of these shapes: itself where they are its own. */
export function graphFor(
  { graph, seed }: ModelDefinition,
  shapes: readonly Shape[],
): ModelGraph {
  return takesShapes(graph, shapes) ? graph : reshapedGraph({ graph, seed }, shapes);
}

function reshapedGraph(
  { graph, seed }: Pick<ModelDefinition, "graph" | "seed">,
  inputs: readonly Shape[],
): ModelGraph {
  const shapes: Shape[] = [...inputs];
  const places = new Map<ModelLayer, ModelLayer>();
  const calls = graph.calls.map((call): GraphCall => {
    const given = call.inputs.map((value) => shapes[value]);
    const known = places.get(call.place);
    const place = known ?? placeAgain(call, given, seed);
    places.set(call.place, place);
    const outputShape = known ? callAgain(place, given, seed, call.reverse) : place.outputShape;
    shapes.push(...entriesOf<Shape>(outputShape, Array.isArray).map(([, shape]) => shape));
    return { ...call, place, outputShape };
  });
  return {
    ...graph,
    calls,
    shapes,
    structure: graph.structure.map((place) => places.get(place)!),
    origin: originOf(graph),
  };
}

/** A layer in its place, with its weights, for other inputs. */
function placeAgain(
  { place, reverse }: GraphCall,
  inputShapes: readonly Shape[],
  seed: number,
): ModelLayer {
  const { layer } = place;
  if (!isModel(layer)) {
    return { ...place, inputShapes, outputShape: callAgain(place, inputShapes, seed, reverse) };
  }
  const names = layer.definition.inputKeys;
  const given = Object.fromEntries(names.map((name, input) => [name ?? "", inputShapes[input]]));
  const shape = names[0] === null ? inputShapes[0] : given;
  const resized = withInputShape(layer, shape as Like<Tensors, Shape>);
  return { ...place, layer: resized, inputShapes, outputShape: resized.outputShape };
}
