import { DataError } from "../../graph/errors.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { received } from "../../state/received.ts";
import { checkCount } from "../check_count.ts";
import { type AnyLayer, type AnyModel, isModel, LayerOutput, type ModelNode } from "../connect.ts";
import { frozen } from "../frozen.ts";
import type { Layer } from "../layer.ts";
import { withFields } from "../layer_names.ts";
import { input, type InputLayer } from "../layers/input.ts";
import type { MergeLayer } from "../merge_layer.ts";
import { Model } from "../model.ts";
import { buildGraph } from "../model_graph.ts";
import { reversed } from "../reversed.ts";
import { graphFor } from "../with_input_shape.ts";
import type { NamedEntry, Tensors } from "../named.ts";
import {
  asIndex,
  asList,
  asObject,
  asRecord,
  asText,
  type JsonObject,
  type JsonValue,
  parseJson,
  refuse,
} from "./json_value.ts";
import { layerRegistry } from "./layer_registry.ts";
import { formatVersion } from "./model_to_json.ts";
import { type CustomParts, flag, numbers, readOptions } from "./option_readers.ts";

/** Options of {@link modelFromJson}. */
export interface ModelFromJsonOptions {
  /** Layers, initializers, regularizers and constraints of your own that the text may name. */
  readonly custom?: CustomParts<Layer | MergeLayer<Tensors>>;
  /** Most characters of the text; default 2²⁴. */
  readonly maxLength?: number;
  /** Most weights that the model may have, in numbers; default 2²⁸, a gigabyte. */
  readonly maxParameters?: number;
}

/**
 * The model of a JSON text that {@link modelToJson} has written, with first weights of its seed.
 *
 * Types and names are looked up in a fixed table of Millrace's own layers, and in `custom`; nothing
 * is imported or evaluated. A text that is not as expected is refused, with the place in it.
 *
 * @param text The text.
 * @param options What is your own, and limits.
 * @returns The model; give its type, where inputs or outputs have names, as `Model<X, O>`.
 * @throws {RangeError} when a limit is no number from 0.
 * @throws {DataError} when the text is no JSON, of a later version, names an unknown layer or option,
 * has values of wrong types, calls that go in a circle, or is too large.
 *
 * @example
 * ```ts
 * import { input, type Layer, modelFromJson, modelToJson, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const times = ({ factor }: { factor: number }): Layer => ({
 *   type: "Times",
 *   name: "",
 *   config: { factor },
 *   init: (inputShape) => ({ outputShape: inputShape, parameters: [] }),
 *   apply: (_parameters, x) => x.mul(factor),
 * });
 * const text = modelToJson(sequential([input([2]), times({ factor: 3 })]));
 * const model = modelFromJson(text, { custom: { layers: { Times: times } } });
 * assert.equal(model.layers[0].type, "Times");
 * assert.throws(() => modelFromJson(text), /model\.layers\[0\]\.type must be one of .*"Times"/);
 * ```
 *
 * Keras: `model_from_json(text, custom_objects)`.
 */
export function modelFromJson<X extends Tensors = Tensor, O extends Tensors = Tensor>(
  text: string,
  options: ModelFromJsonOptions = {},
): Model<X, O> {
  return readText(text, options, true) as AnyModel as Model<X, O>;
}

/** The model of {@link modelFromJson} for weights of a file: its first ones are drawn if they are wanted. */
export function modelForWeights<X extends Tensors, O extends Tensors>(
  text: string,
  options: ModelFromJsonOptions,
): Model<X, O> {
  return readText(text, options, false) as AnyModel as Model<X, O>;
}

function readText(text: string, options: ModelFromJsonOptions, draws: boolean): AnyModel {
  const { custom = {}, maxLength = 2 ** 24, maxParameters = 2 ** 28 } = options;
  // NaN would be no limit.
  for (const [name, limit] of Object.entries({ maxLength, maxParameters })) {
    if (typeof limit === "number" && limit >= 0) continue;
    throw new RangeError(
      `Cannot read a model as ${name} must be a number of at least 0: received ${received(limit)}`,
    );
  }
  const whole = asObject(parseJson(text, maxLength), "it", ["format", "version", "model"]);
  if (whole.format !== "millrace-model") refuse("format", '"millrace-model"', whole.format);
  if (whole.version !== formatVersion) {
    refuse("version", `${formatVersion} (was it written by a later Millrace?)`, whole.version);
  }
  return readModel(whole.model, "model", { custom, maxParameters, draws, models: [] });
}

interface Reading {
  readonly custom: CustomParts<Layer | MergeLayer<Tensors>>;
  readonly maxParameters: number;
  readonly draws: boolean;
  /** The models read so far, for others that share their weights. */
  readonly models: AnyModel[];
}

function readModel(value: JsonValue, path: string, reading: Reading): AnyModel {
  const required = ["type", "name", "seed", "inputs", "layers", "calls", "outputs"];
  const given = asObject(value, path, required, ["trainable", "training", "recompute"]);
  const { type, seed, recompute } = given;
  if (type !== "Sequential" && type !== "Functional") {
    return refuse(`${path}.type`, '"Sequential" or "Functional"', type);
  }
  const name = asText(given.name, `${path}.name`);
  asIndex(seed, `${path}.seed`, 2 ** 53, "a seed");
  const inputs = asList(given.inputs, `${path}.inputs`)
    .map((item, place) => readInput(item, `${path}.inputs[${place}]`));
  const layers = asList(given.layers, `${path}.layers`)
    .map((item, place) => readLayer(item, `${path}.layers[${place}]`, reading));
  const values: ModelNode[] = inputs.map(([, node]) => node);
  asList(given.calls, `${path}.calls`).forEach((item, place) =>
    readCall(item, `${path}.calls[${place}]`, layers, values)
  );
  const outputs = asList(given.outputs, `${path}.outputs`)
    .map((item, place) => readOutput(item, `${path}.outputs[${place}]`, values));
  checkKeys(`${path}.inputs`, inputs);
  checkKeys(`${path}.outputs`, outputs);
  return within(path, () => {
    const { maxParameters, draws } = reading;
    if (recompute !== undefined) checkCount("its recompute", recompute as number, 1);
    const graph = buildGraph({ name, seed: seed as number, inputs, outputs, maxParameters, draws });
    const model = new Model<Tensors, Tensors>({
      type,
      name,
      seed: seed as number,
      graph,
      inputKeys: inputs.map(([key]) => key),
      outputKeys: outputs.map(([key]) => key),
      ...readUse(given, path),
      recompute: recompute as number | undefined,
    });
    reading.models.push(model);
    return model;
  });
}

/** A model that shares the weights of one read before. */
function readSame(value: JsonValue, path: string, { models }: Reading): AnyModel {
  const given = asObject(value, path, ["same"], ["inputShapes", "trainable", "training"]);
  const place = asIndex(given.same, `${path}.same`, models.length, "a model read before");
  const { definition } = models[place];
  const { inputShapes } = given;
  const graph = inputShapes === undefined ? definition.graph : within(path, () => {
    const shapes = asList(inputShapes, `${path}.inputShapes`)
      .map((item, place) => readShape(item, `${path}.inputShapes[${place}]`));
    const { length } = definition.inputKeys;
    if (shapes.length !== length) refuse(`${path}.inputShapes`, `a list of ${length}`, shapes);
    return graphFor(definition, shapes.map((shape) => input(shape).inputShape));
  });
  return new Model<Tensors, Tensors>({ ...definition, graph, ...readUse(given, path) });
}

/** Whether a model learns, and acts as in training. */
function readUse(given: JsonObject, path: string): { trainable: boolean; training: boolean } {
  const { trainable = true, training = true } = given;
  return {
    trainable: flag(trainable, `${path}.trainable`, {}) as boolean,
    training: flag(training, `${path}.training`, {}) as boolean,
  };
}

function readInput(value: JsonValue, path: string): NamedEntry<InputLayer> {
  const given = asObject(value, path, ["key", "name", "shape"]);
  const shape = readShape(given.shape, `${path}.shape`);
  const name = asText(given.name, `${path}.name`);
  return [asKey(given.key, `${path}.key`), within(path, () => input(shape, { name }))];
}

function readShape(value: JsonValue, path: string): number[] {
  return numbers(value, path, {}) as number[];
}

function readLayer(value: JsonValue, path: string, reading: Reading): AnyLayer {
  const { custom } = reading;
  const record = asRecord(value, path);
  if (Object.hasOwn(record, "model")) {
    const inner = asRecord(asObject(value, path, ["model"]).model, `${path}.model`);
    const read = Object.hasOwn(inner, "same") ? readSame : readModel;
    return read(inner, `${path}.model`, reading);
  }
  const given = asObject(value, path, ["name", "type", "config"], ["trainable", "training"]);
  const type = asText(given.type, `${path}.type`);
  const name = asText(given.name, `${path}.name`);
  const config = asRecord(given.config, `${path}.config`);
  const own = custom.layers ?? {};
  const layer = within(path, () => {
    if (Object.hasOwn(own, type)) return withFields(own[type](config), { name });
    if (!Object.hasOwn(layerRegistry, type)) {
      const known = [...Object.keys(layerRegistry), ...Object.keys(own)];
      refuse(`${path}.type`, `one of ${known.join(", ")} (give others as custom.layers)`, type);
    }
    const { options, make } = layerRegistry[type];
    const readers = {
      ...custom,
      layer: (inner: JsonValue, place: string) => readLayer(inner, place, reading),
    };
    return make({ ...readOptions(config, `${path}.config`, options, readers), name });
  });
  const { trainable = true, training = true } = given;
  const learns = flag(trainable, `${path}.trainable`, {});
  const acts = flag(training, `${path}.training`, {}) as boolean;
  return learns && acts ? layer : frozen(layer, { training: acts });
}

function readCall(
  value: JsonValue,
  path: string,
  layers: readonly AnyLayer[],
  values: ModelNode[],
): void {
  const given = asObject(value, path, ["layer", "inputs"], ["reverse"]);
  const called = layers[asIndex(given.layer, `${path}.layer`, layers.length, "a layer")];
  const reverse = given.reverse !== undefined && flag(given.reverse, `${path}.reverse`, {});
  const layer = reverse ? within(path, () => reversed(called as Layer)) : called;
  const inputs = asList(given.inputs, `${path}.inputs`).map((item, place) =>
    // Only values made before: calls that go in a circle are refused here.
    values[asIndex(item, `${path}.inputs[${place}]`, values.length, "a value made before")]
  );
  const count = isModel(layer) ? layer.definition.inputKeys.length : 1;
  if (!("merges" in layer) && inputs.length !== count) {
    refuse(`${path}.inputs`, `a list of ${count}`, inputs.length);
  }
  const outputs = isModel(layer)
    ? layer.definition.outputKeys.length
    : "merges" in layer
    ? layer.outputNames?.length ?? 1
    : 1;
  const call = { layer, inputs };
  for (let place = 0; place < outputs; place++) values.push(new LayerOutput(call, place));
}

function readOutput(
  value: JsonValue,
  path: string,
  values: readonly ModelNode[],
): NamedEntry<ModelNode> {
  const given = asObject(value, path, ["key", "value"]);
  const at = asIndex(given.value, `${path}.value`, values.length, "a value");
  return [asKey(given.key, `${path}.key`), values[at]];
}

function asKey(value: JsonValue, path: string): string | null {
  if (value === null) return null;
  const key = asText(value, path);
  return /^\w[\w.-]*$/.test(key) ? key : refuse(path, "null or a name", value);
}

/** One without a name, or several of different names. */
function checkKeys(path: string, entries: readonly NamedEntry<unknown>[]): void {
  const keys = entries.map(([key]) => key);
  const alone = keys.length === 1;
  if (keys.length > 0 && new Set(keys).size === keys.length && (alone || !keys.includes(null))) {
    return;
  }
  refuse(path, "one without a name, or several of different names", keys);
}

/** Whatever a factory refuses is said with its place in the text. */
function within<Made>(path: string, make: () => Made): Made {
  try {
    return make();
  } catch (cause) {
    if (cause instanceof DataError || !(cause instanceof Error)) throw cause;
    throw new DataError(`Cannot make a model of the JSON at ${path}: ${cause.message}`);
  }
}
