import type { Tensor } from "../graph/tensor.ts";
import { recompute } from "../ops/recompute.ts";
import type { ModelGraph } from "./model_graph.ts";
import type { Parameter } from "./parameter.ts";
import type { ModelLayer } from "./place_layer.ts";

/** Calls of a graph through whose end a single value goes on. */
export interface Segment {
  /** Number of that value among the graph's values. */
  readonly output: number;
  /** Numbers of the values from before that it takes. */
  readonly inputs: readonly number[];
  /** The layers that it calls. */
  readonly places: readonly ModelLayer[];
}

/**
 * Cuts a graph into segments of at least so many calls, each of which hands a single value on: around
 * a residual connection there is no cut.
 *
 * @param graph The graph.
 * @param least Calls of a segment, from 1; the last one may have fewer.
 * @returns The segments by the number of their last call. What is behind the last cut, as a head of
 * several outputs, is in none.
 */
export function segmentsOf(graph: ModelGraph, least: number): ReadonlyMap<number, Segment> {
  const { calls, outputs, inputNames } = graph;
  const lastUse = new Map<number, number>();
  calls.forEach(({ inputs }, number) => inputs.forEach((value) => lastUse.set(value, number)));
  for (const value of outputs) lastUse.set(value, Infinity);
  const segments = new Map<number, Segment>();
  // Values that go on, without the model's inputs: these are there in any case.
  const alive = new Set<number>();
  let [first, start, made] = [0, inputNames.length, inputNames.length];
  calls.forEach(({ inputs, outputShape }, number) => {
    const count = Array.isArray(outputShape) ? 1 : Object.keys(outputShape).length;
    for (let place = 0; place < count; place++) alive.add(made++);
    for (const value of [...inputs, made - 1]) {
      if ((lastUse.get(value) ?? -1) <= number) alive.delete(value);
    }
    const [output] = alive;
    const isEnd = number === calls.length - 1;
    if (alive.size !== 1 || output < start || (number - first + 1 < least && !isEnd)) return;
    const own = calls.slice(first, number + 1);
    const taken = new Set(own.flatMap((call) => call.inputs).filter((value) => value < start));
    const places = [...new Set(own.map(({ place }) => place))];
    segments.set(number, { output, inputs: [...taken], places });
    [first, start] = [number + 1, made];
  });
  return segments;
}

/**
 * What a segment hands on, such that all between its inputs and that is computed again for the
 * gradient.
 *
 * @param segment The segment.
 * @param tensorOf The tensor of a value of the graph, by number.
 * @param values The tensors of weights.
 */
export function recomputeSegment(
  { output, inputs, places }: Segment,
  tensorOf: (value: number) => Tensor,
  values: ReadonlyMap<Parameter, Tensor>,
): Tensor {
  const weights = places.flatMap(({ parameters }) =>
    parameters.map((parameter) => values.get(parameter)!)
  );
  return recompute(tensorOf(output), [...inputs.map(tensorOf), ...weights]);
}
