import { type AnyLayer, type AnyModel, isModel, LayerOutput, type ModelNode } from "./connect.ts";
import { frozen } from "./frozen.ts";
import { input } from "./layers/input.ts";
import {
  factorNames,
  lowRank,
  type LowRankDefinition,
  type LowRankOptions,
  lowRankScale,
} from "./layers/low_rank.ts";
import { Model } from "./model.ts";
import { buildGraph, type ModelGraph, originOf } from "./model_graph.ts";
import type { Tensors } from "./named.ts";
import type { Parameter } from "./parameter.ts";
import type { ModelLayer } from "./place_layer.ts";
import { reversed } from "./reversed.ts";
import { checkMatch, matcherOf, type WeightPattern } from "./weight_pattern.ts";
import { graphFor, inputShapesOf } from "./with_input_shape.ts";

/** Options of {@link lora}. */
export interface LoraOptions extends LowRankOptions {
  /**
   * Which weights have low-rank parts, by name, as `/(query|value)_kernel$/`; default all that end in
   * `kernel`. Those of fewer than two axes have none.
   */
  readonly only?: WeightPattern;
}

/**
 * A copy of a model whose weights stand still, with low-rank parts beside some of them that learn:
 * w + alpha / rank · a · b.
 *
 * Of a weight `dense_1/kernel` `[…, n]` the factors are `dense_1/kernel_lora_a` `[…, rank]` and
 * `dense_1/kernel_lora_b` `[rank, n]`. Moving averages stand still, too. The parts alone are saved by
 * `saveWeights(model, path, { only: /_lora_[ab]$/ })`, and {@link mergeLora} adds them to the weights
 * of the original.
 *
 * @param model The model, with the weights that it has learnt. It stays as it is.
 * @param options Rank, alpha, which weights, how the factors start.
 * @returns The copy, whose other weights have the names of the original's.
 * @throws {RangeError} when the rank is not a whole number from 1, or no weight is meant.
 *
 * @example
 * ```ts
 * import { dense, input, lora, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const learnt = sequential([input([784]), dense(512, { activation: "relu" }), dense(10)]);
 * const model = lora(learnt, { rank: 4, only: "dense_1" });
 * assert.deepEqual(model.trainableParameters.map(({ name, shape }) => [name, shape]), [
 *   ["dense_1/kernel_lora_a", [784, 4]],
 *   ["dense_1/kernel_lora_b", [4, 512]],
 * ]);
 * ```
 *
 * Source: E. Hu and others, "LoRA", 2021. Keras: `layer.enable_lora(rank, lora_alpha=…)`, which changes
 * the layer. Hugging Face: `get_peft_model` with `LoraConfig`.
 */
export function lora<X extends Tensors, O extends Tensors>(
  model: Model<X, O>,
  options: LoraOptions = {},
): Model<X, O> {
  const { only, ...others } = options;
  if (only !== undefined) checkMatch("add low-rank parts to weights", only, model);
  const matches = matcherOf(only ?? /kernel$/);
  const copy = rebuilt(model, "", (place, prefix) => {
    const weights = [...place.weights].filter(([role, { shape, state }]) =>
      shape.length > 1 && !state && matches(`${prefix}${place.name}/${role}`)
    );
    const layer = place.layer as LowRankDefinition["layer"];
    if (weights.length === 0) return frozen(layer);
    return lowRank({ ...others, layer, name: place.name, weights: weights.map(([role]) => role) });
  });
  if (copy.trainableParameters.length === 0) {
    throw new RangeError(
      `Cannot add low-rank parts to the model ${model.name} as they need weights of two axes or ` +
        `more: received ${only === undefined ? "none that ends in kernel" : "none by only"}`,
    );
  }
  for (const [name, { value }] of model.weights) copy.weights.get(name)!.set(value);
  return copy as Model<X, O>;
}

/** The same graph of other layers; models within it that share their weights share the new ones. */
function rebuilt(
  { definition }: AnyModel,
  prefix: string,
  change: (place: ModelLayer, prefix: string) => AnyLayer,
  known = new Map<ModelGraph, ModelGraph>(),
): AnyModel {
  const { graph, inputKeys, outputKeys, name, seed } = definition;
  const same = known.get(originOf(graph));
  if (same) {
    const made = graphFor({ ...definition, graph: same }, inputShapesOf(graph));
    return new Model({ ...definition, trainable: true, graph: made });
  }
  const layers = new Map(graph.structure.map((place) => [
    place,
    isModel(place.layer)
      ? rebuilt(place.layer, `${prefix}${place.name}/`, change, known)
      : change(place, prefix),
  ]));
  const inputs = inputKeys.map((key, place) => {
    const node = input(graph.shapes[place], { name: graph.inputNames[place] });
    return [key, node] as const;
  });
  const values: ModelNode[] = inputs.map(([, node]) => node);
  for (const { place, reverse, inputs, outputShape } of graph.calls) {
    const own = layers.get(place)!;
    const layer = reverse && !isModel(own) && !("merges" in own) ? reversed(own) : own;
    const call = { layer, inputs: inputs.map((value) => values[value]) };
    const count = Array.isArray(outputShape) ? 1 : Object.keys(outputShape).length;
    for (let at = 0; at < count; at++) values.push(new LayerOutput(call, at));
  }
  const outputs = outputKeys.map((key, at) => [key, values[graph.outputs[at]]] as const);
  const made = buildGraph({ name, seed, inputs, outputs });
  known.set(originOf(graph), made);
  return new Model({ ...definition, trainable: true, graph: made });
}

/**
 * Gives a model the weights of one that {@link lora} has made of it, with their low-rank parts added:
 * what is then as fast as before.
 *
 * @param from The model with the parts.
 * @param to The original, or one of the same layers; its weights change.
 * @throws {RangeError} when `from` has no parts, or `to` lacks a weight.
 *
 * @example
 * ```ts
 * import { dense, input, lora, mergeLora, predict, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const learnt = sequential([input([2]), dense(3)]);
 * const model = lora(learnt, { rank: 1, bInitializer: "ones" }); // or after training
 * mergeLora(model, learnt);
 * const [a, b] = [await predict(model, [[1, 2]]), await predict(learnt, [[1, 2]])];
 * a.data.forEach((value, at) => assert.ok(Math.abs(value - b.data[at]) < 1e-6));
 * ```
 *
 * Hugging Face: `merge_and_unload`.
 */
export function mergeLora(from: AnyModel, to: AnyModel): void {
  const scales = new Map(partsIn(from, ""));
  if (scales.size === 0) {
    throw new RangeError(
      `Cannot merge low-rank parts of the model ${from.name} as it has none: make it by lora`,
    );
  }
  const factors = new Set<string>([...scales.keys()].flatMap((name) => factorNames(name)));
  const pairs = [...from.weights].filter(([name]) => !factors.has(name)).map(([name, source]) => {
    const target = to.weights.get(name);
    if (target?.size === source.size) return { name, source, target };
    throw new RangeError(
      `Cannot merge low-rank parts into the model ${to.name} as it must have the weights of ` +
        `${from.name}: received ${target ? "another size of" : "no"} ${name}`,
    );
  });
  for (const { name, source, target } of pairs) {
    const [a, b] = factorNames(name).map((factor) => from.weights.get(factor));
    target.set(a && b ? sum(source, a, b, scales.get(name)!) : source.value);
  }
}

/** Names of the weights that have parts, with the factors of these. */
function partsIn(model: AnyModel, prefix: string): [name: string, scale: number][] {
  return model.structure.flatMap(({ name, layer }) => {
    if (isModel(layer)) return partsIn(layer, `${prefix}${name}/`);
    if (layer.type !== "Lora") return [];
    const definition = layer.config as unknown as LowRankDefinition;
    const scale = lowRankScale(definition);
    return definition.weights.map((role): [string, number] => [`${prefix}${name}/${role}`, scale]);
  });
}

/** w + scale · a · b, added up in float64. */
function sum(weight: Parameter, a: Parameter, b: Parameter, scale: number): Float32Array {
  const [rank, columns] = b.shape;
  return weight.value.map((value, at) => {
    const [row, column] = [Math.floor(at / columns), at % columns];
    let part = 0;
    for (let k = 0; k < rank; k++) part += a.value[row * rank + k] * b.value[k * columns + column];
    return value + scale * part;
  });
}
