import { Observable } from "rxjs";
import { type AnyModel, isModel } from "../connect.ts";
import type { Layer } from "../layer.ts";
import type { MergeLayer } from "../merge_layer.ts";
import { type ModelGraph, originOf } from "../model_graph.ts";
import type { Tensors } from "../named.ts";
import { inputShapesOf, takesShapes } from "../with_input_shape.ts";
import type { JsonObject, JsonValue } from "./json_value.ts";

/** Version of the text's form; a reader refuses a higher one. */
export const formatVersion = 1;

/**
 * The definition of a model as a JSON text: its layers with their options, and how they are
 * connected. Weights are not in it: {@link saveWeights} writes those, under the same names.
 *
 * A hyperparameter is written as its present number. Models within the model that share their weights,
 * as one and what {@link frozen} or {@link withInputShape} makes of it, share them again when they are
 * read.
 *
 * @param model The model.
 * @returns The text, for {@link modelFromJson}.
 * @throws {TypeError} when an option cannot be written: a function, or a layer that keeps no config;
 * the message names the layer.
 *
 * @example
 * ```ts
 * import { dense, dropout, input, modelFromJson, modelToJson, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([4]), dense(3, { activation: "relu" }), dropout(0.2), dense(1)]);
 * const again = modelFromJson(modelToJson(model));
 * assert.deepEqual([...again.weights.keys()], [...model.weights.keys()]);
 * assert.throws(
 *   () => modelToJson(sequential([input([4]), dense(1, { activation: (x) => x.square() })])),
 *   /dense_1: cannot be written as JSON as its activation is a function/,
 * );
 * ```
 *
 * Keras: `Model.to_json`.
 */
export function modelToJson(model: AnyModel): string {
  const text = { format: "millrace-model", version: formatVersion, model: describe(model, []) };
  return JSON.stringify(text, null, 2);
}

/** A model, or the number of the one among those written before whose weights it shares. */
function describe(model: AnyModel, written: ModelGraph[]): JsonObject {
  const { type, name, seed, graph, inputKeys, outputKeys, recompute, training } = model.definition;
  const acts = {
    ...(model.trainable ? {} : { trainable: false }),
    ...(training === false ? { training } : {}),
  };
  const same = written.findIndex((other) => originOf(other) === originOf(graph));
  if (same >= 0) {
    const shapes = inputShapesOf(graph);
    const fits = takesShapes(written[same], shapes);
    return { same, ...(fits ? {} : { inputShapes: shapes.map((shape) => [...shape]) }), ...acts };
  }
  const description = {
    type,
    name,
    seed,
    ...acts,
    ...(recompute === undefined ? {} : { recompute }),
    inputs: inputKeys.map((key, place) => ({
      key,
      name: graph.inputNames[place],
      shape: [...graph.shapes[place]],
    })),
    layers: graph.structure.map(({ name, layer }) =>
      isModel(layer) ? { model: describe(layer, written) } : describeLayer(name, layer)
    ),
    calls: graph.calls.map(({ place, reverse, inputs }) => ({
      layer: graph.structure.indexOf(place),
      ...(reverse ? { reverse } : {}),
      inputs: [...inputs],
    })),
    outputs: outputKeys.map((key, place) => ({ key, value: graph.outputs[place] })),
  };
  // Behind those within it, in the order in which a reader has them.
  written.push(graph);
  return description;
}

function describeLayer(name: string, layer: Layer | MergeLayer<Tensors>): JsonObject {
  const { type, config, trainable, training } = layer;
  if (!config) {
    throw new TypeError(
      `${name}: cannot be written as JSON as its type ${type} keeps no config: give its record ` +
        `the options it was made with, and modelFromJson a factory for them`,
    );
  }
  const { name: _name, ...options } = config;
  return {
    name,
    type,
    ...(trainable === false ? { trainable } : {}),
    ...(training === false ? { training } : {}),
    config: Object.fromEntries(
      Object.entries(options).filter(([, value]) => value !== undefined)
        .map(([option, value]) => [option, write(value, name, option)]),
    ),
  };
}

function write(value: unknown, layer: string, option: string): JsonValue {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (Array.isArray(value)) return value.map((item) => write(item, layer, option));
  if (value instanceof Observable) {
    // A hyperparameter has a present number; of other streams none is known.
    if ("value" in value && typeof value.value === "number") return value.value;
    return refuse(layer, option, "a stream without a present number (give a hyperparameter)");
  }
  if (typeof value !== "object") {
    return refuse(layer, option, typeof value === "number" ? `${value}` : `a ${typeof value}`);
  }
  if ("init" in value && "type" in value) {
    const inner = value as Layer;
    return { ...describeLayer(`${layer}.${option}`, inner), name: inner.name };
  }
  const { name, config } = value as { name?: unknown; config?: unknown };
  if (typeof name === "string" && typeof config === "object" && config !== null) {
    const options = Object.entries(config).filter(([, item]) => item !== undefined);
    return {
      name,
      config: Object.fromEntries(
        options.map(([key, item]) => [key, write(item, layer, `${option}.${key}`)]),
      ),
    };
  }
  return refuse(layer, option, "an object that keeps no config");
}

function refuse(layer: string, option: string, what: string): never {
  throw new TypeError(`${layer}: cannot be written as JSON as its ${option} is ${what}`);
}
