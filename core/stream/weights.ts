import { DataError, ShapeError } from "../graph/errors.ts";
import { formatShape, sameShape } from "../graph/shape.ts";
import type { AnyModel } from "../nn/connect.ts";
import type { Parameter } from "../nn/parameter.ts";
import { checkMatch, matcherOf, type WeightPattern } from "../nn/weight_pattern.ts";
import { writeFileAtomic } from "../state/atomic_write.ts";
import { decodeSafetensors } from "../state/decode_safetensors.ts";
import { encodeSafetensors } from "../state/encode_safetensors.ts";
import { readBytes } from "../state/read_bytes.ts";
import type { SafetensorsTensor } from "../state/safetensors_types.ts";
import { checkModel } from "./check_model.ts";
import { checkChecksum, noChecksum, writeChecksum } from "./file_checksum.ts";
import { checkMetadata } from "./file_metadata.ts";
import { formatVersion } from "./saved_run.ts";
import { namesInFile } from "./file_models.ts";
import { foreignWeights, type WeightSource } from "./foreign_weights.ts";
import { settled } from "./settled.ts";

/** Options of {@link saveWeights}. */
export interface SaveWeightsOptions {
  /**
   * Texts to keep with the weights, by key: the model's definition, the JSON of what prepares its
   * inputs. Read them with {@link readWeightsMetadata}.
   */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Which weights are written, as `/_lora_[ab]$/`; default all. */
  readonly only?: WeightPattern;
}

/**
 * Writes a model's weights to a safetensors file, by layer name (`dense_1/kernel`). The file is
 * replaced in one move: whatever happens, it holds either the old weights or the new ones. A checksum
 * tells a file that is damaged later.
 *
 * @param model The model.
 * @param path The file; its folder must exist. Needs `--allow-read` and `--allow-write`.
 * @param options Texts to keep with them.
 * @throws {Error} when the file cannot be written; the old one stays whole.
 * @throws {RangeError} when `only` means no weight, or a key of the texts is one of the file's own, as `format_version`.
 *
 * @example
 * ```ts
 * import { dense, input, loadWeights, saveWeights, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const folder = await Deno.makeTempDir();
 * const model = sequential([input([2]), dense(3)], { seed: 1 });
 * await saveWeights(model, `${folder}/weights.safetensors`);
 * const other = sequential([input([2]), dense(3)], { seed: 2 });
 * await loadWeights(other, `${folder}/weights.safetensors`);
 * assert.deepEqual(other.parameters[0].value, model.parameters[0].value);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function saveWeights(
  model: AnyModel,
  path: string,
  options: SaveWeightsOptions = {},
): Promise<void> {
  checkModel("save weights as saveWeights", model);
  const metadata = checkMetadata("saveWeights", options.metadata);
  await settled(model);
  const { only } = options;
  if (only !== undefined) checkMatch("save weights", only, model);
  const meant = only === undefined ? () => true : matcherOf(only);
  const chosen = [...model.weights].filter(([name]) => meant(name));
  const tensors = new Map(chosen.map(([name, { shape, value }]) => [
    name,
    { dtype: "F32" as const, shape: [...shape], data: value },
  ]));
  await writeFileAtomic(
    path,
    writeChecksum(encodeSafetensors(tensors, {
      ...noChecksum,
      ...metadata,
      format_version: `${formatVersion}`,
    })),
  );
}

/**
 * The texts that stand in a file of weights, or in a checkpoint, beside them.
 *
 * @param path The file. Needs `--allow-read`.
 * @returns The `metadata` of {@link saveWeights} or {@link checkpoint} by key, and what the file says
 * of itself: `format_version`, of a checkpoint also `epoch`, `step`, `logs` and others.
 * @throws {DataError} when the file cannot be read or is damaged.
 *
 * @example
 * ```ts
 * import { dense, input, readWeightsMetadata, saveWeights, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const folder = await Deno.makeTempDir();
 * const model = sequential([input([2]), dense(3)]);
 * const path = `${folder}/weights.safetensors`;
 * await saveWeights(model, path, { metadata: { classes: JSON.stringify(["cat", "dog"]) } });
 * const { classes } = await readWeightsMetadata(path);
 * assert.deepEqual(JSON.parse(classes), ["cat", "dog"]);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function readWeightsMetadata(path: string): Promise<Record<string, string>> {
  const bytes = await readBytes(path);
  const { metadata } = decodeSafetensors(bytes, path);
  checkChecksum(bytes, path);
  return metadata;
}

/** Options of {@link loadWeights}. */
export interface LoadWeightsOptions {
  /**
   * Whether weights that the file lacks, or holds in another shape, are left as they are, rather than
   * refused; default false.
   */
  readonly skipMismatch?: boolean;
  /** Which weights are read, and have to be in the file; default all. */
  readonly only?: WeightPattern;
  /** How weights are made from a file of another program's, as PyTorch's; default by their names here. */
  readonly from?: WeightSource;
}

/**
 * Reads a model's weights from a safetensors file. Either all weights are taken or none.
 *
 * @param model The model; its weights change.
 * @param path The file. Needs `--allow-read`.
 * @param options Whether weights that do not fit are left as they are.
 * @returns Names of the weights that were read: all that are meant, without `skipMismatch`.
 * @throws {DataError} when the file cannot be read, is damaged, lacks a weight, holds one that is not
 * finite, or was written by a later version; or is that of a run of several models with weights of one
 * name, none of which has the name of this one.
 * @throws {ShapeError} when a weight has another shape than the model's.
 *
 * @example Weights of PyTorch's `nn.Linear`, which keeps its kernel with outputs first.
 * ```ts
 * import {
 *   dense, encodeSafetensors, input, loadWeights, predict, type SafetensorsTensor, sequential,
 * } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * // As safetensors.torch.save_file(model.state_dict(), path) writes it.
 * const state = new Map<string, SafetensorsTensor>([
 *   ["fc.weight", { dtype: "F32", shape: [1, 2], data: Float32Array.of(3, 4) }],
 *   ["fc.bias", { dtype: "F32", shape: [1], data: Float32Array.of(5) }],
 * ]);
 * const path = await Deno.makeTempFile();
 * await Deno.writeFile(path, encodeSafetensors(state));
 *
 * const model = sequential([input([2]), dense(1)]);
 * await loadWeights(model, path, {
 *   from: (weight, file) =>
 *     weight === "dense_1/kernel" ? file("fc.weight").transpose() : file("fc.bias"),
 * });
 * assert.deepEqual([...(await predict(model, [[1, 10]])).data], [48]);
 * await Deno.remove(path);
 * ```
 *
 * Keras: `Model.load_weights`. PyTorch: `load_state_dict`.
 */
export async function loadWeights(
  model: AnyModel,
  path: string,
  options: LoadWeightsOptions = {},
): Promise<string[]> {
  checkModel("load weights as loadWeights", model);
  await settled(model);
  const bytes = await readBytes(path);
  const { from, only, skipMismatch } = options;
  if (!from) return takeWeights(model, bytes, path, options);
  const { tensors } = decodeSafetensors(bytes, path);
  checkChecksum(bytes, path);
  const chosen = chosenWeights(model, only);
  const made = await foreignWeights(from, [...chosen.keys()], tensors, path);
  const tensorOf = (name: string) => made.get(name);
  const lacking = "from gives nothing for it (skipMismatch leaves it as it is)";
  return putWeights(chosen, path, { skipMismatch, tensorOf, lacking });
}

/** Puts the weights of a file's bytes into a model: all or none. */
export function takeWeights(
  model: AnyModel,
  bytes: Uint8Array,
  path: string,
  { skipMismatch = false, only }: LoadWeightsOptions = {},
): string[] {
  const { tensors, metadata } = decodeSafetensors(bytes, path);
  checkChecksum(bytes, path);
  // Files of other programs have no version of ours.
  const version = metadata.format_version ?? `${formatVersion}`;
  if (version !== `${formatVersion}`) {
    throw new DataError(
      `Cannot load ${path} as its format_version must be ${formatVersion}: received ` +
        `${JSON.stringify(version.slice(0, 80))} (was it saved by a later Millrace?)`,
      { file: path },
    );
  }
  const chosen = chosenWeights(model, only);
  const names = [...chosen.keys()];
  const nameOf = namesInFile(path, metadata.models, model.name, { names, partly: skipMismatch });
  const tensorOf = (name: string) => tensors.get(nameOf(name));
  const held = [...tensors.keys()].slice(0, 8).join(", ") || "none";
  const lacking = `it holds ${held} (was it saved by another model?)`;
  return putWeights(chosen, path, { skipMismatch, tensorOf, lacking });
}

/** The weights that are to be read, by name. */
function chosenWeights(
  model: AnyModel,
  only: WeightPattern | undefined,
): ReadonlyMap<string, Parameter> {
  if (only === undefined) return model.weights;
  checkMatch("load weights", only, model);
  const meant = matcherOf(only);
  return new Map([...model.weights].filter(([name]) => meant(name)));
}

/** Where weights come from. */
interface GivenWeights {
  readonly skipMismatch?: boolean;
  tensorOf(name: string): SafetensorsTensor | undefined;
  /** Why there may be none, for messages. */
  readonly lacking: string;
}

/** Puts tensors into weights: all or none. */
function putWeights(
  chosen: ReadonlyMap<string, Parameter>,
  path: string,
  { skipMismatch = false, tensorOf, lacking }: GivenWeights,
): string[] {
  const found = [...chosen].flatMap(([name, parameter]) => {
    const tensor = tensorOf(name);
    if (!tensor) {
      if (skipMismatch) return [];
      throw new DataError(
        `Cannot load ${path} as it has no weight "${name}": ${lacking}`,
        { file: path },
      );
    }
    if (tensor.dtype !== "F32" || !sameShape(tensor.shape, parameter.shape)) {
      if (skipMismatch) return [];
      throw new ShapeError(
        `Cannot load ${path} as its weight "${name}" does not fit the model: expected ` +
          `F32 ${formatShape(parameter.shape)}, received ${tensor.dtype} ${
            formatShape(tensor.shape)
          }`,
      );
    }
    checkFinite(path, name, tensor.data);
    return [{ name, parameter, data: tensor.data }];
  });
  for (const { parameter, data } of found) parameter.set(data);
  return found.map(({ name }) => name);
}

/** One NaN makes every prediction NaN, and the run would blame its own first step. */
function checkFinite(path: string, name: string, data: Float32Array): void {
  const wrong = data.findIndex((value) => !Number.isFinite(value));
  if (wrong < 0) return;
  throw new DataError(
    `Cannot load ${path} as its weight "${name}" must hold finite numbers: received ` +
      `${data[wrong]} at index ${wrong} (was it saved after training had diverged?)`,
    { file: path },
  );
}
