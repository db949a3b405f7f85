import { DataError } from "../graph/errors.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { AnyModel } from "../nn/connect.ts";
import { type ModelFromJsonOptions, modelToJson } from "../nn/json/mod.ts";
import { modelForWeights } from "../nn/json/model_from_json.ts";
import type { Model } from "../nn/model.ts";
import type { Tensors } from "../nn/named.ts";
import { decodeSafetensors } from "../state/decode_safetensors.ts";
import { readBytes } from "../state/read_bytes.ts";
import { checkModel } from "./check_model.ts";
import { checkChecksum } from "./file_checksum.ts";
import { saveWeights, type SaveWeightsOptions, takeWeights } from "./weights.ts";

/** Where a file of weights keeps the model they belong to. */
const key = "model";

/**
 * Writes a model, its layers and its weights, to one safetensors file: {@link saveWeights} with
 * {@link modelToJson}'s text beside. It is replaced in one move, whatever happens.
 *
 * @param model The model.
 * @param path The file; its folder must exist. Needs `--allow-read` and `--allow-write`.
 * @param options Texts to keep with it, by other keys than `model`.
 * @throws {Error} when the file cannot be written; the old one stays whole.
 * @throws {RangeError} when a key of the texts is taken.
 * @throws {TypeError} when a layer cannot be written as JSON.
 *
 * @example
 * ```ts
 * import { dense, input, loadModel, predict, saveModel, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const folder = await Deno.makeTempDir();
 * const model = sequential([input([2]), dense(3, { activation: "relu" })], { seed: 1 });
 * await saveModel(model, `${folder}/model.safetensors`);
 * const again = await loadModel(`${folder}/model.safetensors`);
 * const x = [[1, 2]];
 * assert.deepEqual(await predict(again, x), await predict(model, x));
 * await Deno.remove(folder, { recursive: true });
 * ```
 *
 * Keras: `Model.save`.
 */
export async function saveModel(
  model: AnyModel,
  path: string,
  options: SaveWeightsOptions = {},
): Promise<void> {
  checkModel("save a model as saveModel", model);
  if (options.metadata && key in options.metadata) {
    throw new RangeError(
      `Cannot save the text "${key}" as it is what saveModel itself writes: give it another key`,
    );
  }
  const metadata = { ...options.metadata, [key]: modelToJson(model) };
  await saveWeights(model, path, { metadata });
}

/**
 * The model of a file that {@link saveModel} has written, or a {@link checkpoint} with the metadata
 * `{ model: modelToJson(model) }`. Nothing in a file is run: see {@link modelFromJson}.
 *
 * @param path The file. Needs `--allow-read`.
 * @param options What is your own, and limits.
 * @returns The model with its weights; give its type, where inputs or outputs have names, as
 * `loadModel<X, O>`.
 * @throws {DataError} when the file cannot be read, is damaged, holds no model, or one that is refused.
 *
 * @example See {@link saveModel}.
 *
 * Keras: `load_model(path, custom_objects)`.
 */
export async function loadModel<X extends Tensors = Tensor, O extends Tensors = Tensor>(
  path: string,
  options: ModelFromJsonOptions = {},
): Promise<Model<X, O>> {
  const bytes = await readBytes(path);
  const { [key]: text } = decodeSafetensors(bytes, path).metadata;
  // A changed bit of the text would be another layer, or no JSON.
  checkChecksum(bytes, path);
  if (text === undefined) {
    throw new DataError(
      `Cannot load the model of ${path} as it holds weights alone: save it with saveModel, or make ` +
        `the model and give it to loadWeights`,
      { file: path },
    );
  }
  const model = modelForWeights<X, O>(text, options);
  takeWeights(model, bytes, path);
  return model;
}
