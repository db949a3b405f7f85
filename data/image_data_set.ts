import { DataError } from "../core/graph/errors.ts";
import { checkPath } from "../core/state/check_path.ts";
import { permutation } from "../core/state/permutation.ts";
import { received } from "../core/state/received.ts";
import { readBytes } from "../core/state/read_bytes.ts";
import { readFolder } from "../core/state/read_folder.ts";
import type { DataSet } from "./data_set.ts";
import { checkPicture, decodeImage, type DecodeImageOptions } from "./decode_image.ts";
import { streamedDataSet } from "./streamed_data_set.ts";

/** Options of {@linkcode imageDataSet}. */
export interface ImageDataSetOptions {
  /** Pixels down and across of every sample; default [256, 256], as in Keras. */
  readonly imageSize?: readonly [height: number, width: number];
  /** Whether pictures keep their shape, and are cut to their middle; default false, as in Keras. */
  readonly cropToAspectRatio?: boolean;
  /** Whether there are three channels or one; default `"rgb"`, as in Keras. */
  readonly colorMode?: "rgb" | "grayscale";
  /** The folders that are classes, in this order; default all, in the order of their names. */
  readonly classNames?: readonly string[];
  /**
   * Whether samples are in an order of chance, so that a split has all classes on both sides; default
   * true. Otherwise they are class by class, in the order of their files' names.
   */
  readonly shuffle?: boolean;
  /** Seed of that order, a whole number from 0; default 0. */
  readonly seed?: number;
  /**
   * Whether a picture is kept in memory once it was read, a byte for each number, so that it is decoded
   * in the first epoch alone; default whether all of them take 1 GiB at most.
   */
  readonly cache?: boolean;
}

/** Pictures and their classes. */
export interface ImageDataSet extends DataSet {
  /** The class of each id. */
  readonly classNames: readonly string[];
  /** The file of each sample. */
  readonly files: readonly string[];
}

/** Bytes of pictures that are kept in memory without being asked for. */
const cached = 2 ** 30;

const extensions = /\.(png|jpe?g|gif|webp|bmp)$/i;

/**
 * A folder of pictures as a data set: each folder in it is a class, and holds the pictures of that
 * class, in folders of its own or not. Other files are left out. Pictures are read while it trains.
 *
 * @param folder Path of the folder. Needs the permission `--allow-read=FOLDER`, in training, too.
 * @param options Size and channels of the pictures, classes, order.
 * @returns Inputs `[samples, height, width, channels]`, bytes scaled by 1/255, and targets `[samples]`,
 * class ids; the names of classes and files.
 * @throws {RangeError} If an option is out of its range.
 * @throws {DataError} If a folder cannot be read, or there is no picture in it. In training: when a file
 * cannot be read, or is no picture, with its path.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { imageDataSet } from "@millrace/millrace";
 *
 * await assert.rejects(imageDataSet("no-such-folder", { imageSize: [64, 64] }), /no-such-folder/);
 * ```
 *
 * Keras: `image_dataset_from_directory`. PyTorch: `torchvision.datasets.ImageFolder`.
 */
export async function imageDataSet(
  folder: string,
  options: ImageDataSetOptions = {},
): Promise<ImageDataSet> {
  const { imageSize = [256, 256], colorMode = "rgb", shuffle = true, seed = 0 } = options;
  const { cropToAspectRatio = false } = options;
  checkPath("a folder of pictures", folder);
  checkPicture("make a data set of pictures", { imageSize, colorMode });
  const classNames = options.classNames ?? await classesIn(folder);
  checkClassNames(classNames);
  const found = await samplesOf(folder, classNames);
  const samples = shuffle
    ? Array.from(permutation(found.length, seed), (place) => found[place])
    : found;
  const files = samples.map(({ file }) => file);
  const shape = [...imageSize, colorMode === "rgb" ? 3 : 1];
  const size = shape.reduce((product, length) => product * length);
  const { cache = size * files.length <= cached } = options;
  const pictureOf = pictureReader({ imageSize, colorMode, cropToAspectRatio }, cache);
  const data = streamedDataSet({
    samples: files.length,
    x: { shape, type: "uint8", scale: 1 / 255 },
    y: { shape: [], type: "int32" },
    classes: classNames.length,
    name: folder,
    async read(rows, { x, y }) {
      await Promise.all(Array.from(rows, async (row, place) => {
        x.data.set(await pictureOf(files[row]), place * size);
        y.data[place] = samples[row].id;
      }));
    },
  });
  return { ...data, classNames, files };
}

/** What reads the numbers of a picture; they may be kept, and then they are read once. */
function pictureReader(options: DecodeImageOptions, keep: boolean) {
  const kept = new Map<string, Uint8Array>();
  return async (file: string): Promise<Uint8Array> => {
    const known = kept.get(file);
    if (known) return known;
    const { data } = await decodeImage(await readBytes(file), { ...options, file: `"${file}"` });
    if (keep) kept.set(file, data);
    return data;
  };
}

function checkClassNames(classNames: unknown): void {
  const isName = (name: unknown) => typeof name === "string" && name !== "";
  if (Array.isArray(classNames) && classNames.length > 0 && classNames.every(isName)) {
    if (new Set(classNames).size === classNames.length) return;
  }
  throw new RangeError(
    `Cannot make a data set of pictures as classNames must name folders, each once: received ` +
      received(classNames),
  );
}

/** The pictures of all classes, with the number of their class. */
async function samplesOf(folder: string, classNames: readonly string[]) {
  const found = await Promise.all(classNames.map(async (name, id) => {
    const files = await picturesIn(`${folder}/${name}`);
    if (files.length > 0) return files.map((file) => ({ file, id }));
    throw new DataError(
      `Cannot make a data set as there is no picture in "${folder}/${name}": expected files of ` +
        `the formats PNG, JPEG, GIF, WebP or BMP (or name the classes by classNames)`,
      { file: folder },
    );
  }));
  return found.flat();
}

/** The names of the folders in a folder, in order. */
async function classesIn(folder: string): Promise<string[]> {
  const names = (await readFolder(folder)).filter((entry) => entry.isDirectory)
    .map(({ name }) => name);
  if (names.length > 0) return names;
  throw new DataError(
    `Cannot make a data set as there is no folder in "${folder}": expected one for each class`,
    { file: folder },
  );
}

/** The pictures in a folder and in those that it holds, in the order of their names. */
async function picturesIn(folder: string): Promise<string[]> {
  const entries = await readFolder(folder);
  const files = await Promise.all(entries.map(async ({ name, isDirectory }) => {
    const path = `${folder}/${name}`;
    if (isDirectory) return await picturesIn(path);
    return extensions.test(name) ? [path] : [];
  }));
  return files.flat().sort();
}
