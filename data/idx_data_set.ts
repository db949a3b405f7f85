import { DataError } from "../core/graph/errors.ts";
import { checkClasses, checkedClasses } from "./check_classes.ts";
import type { DataSet, StoredInputs } from "./data_set.ts";
import { readIdxFile } from "./files.ts";
import type { IdxArray } from "./idx.ts";

/** The files that {@linkcode loadIdxDataSet} reads. */
export interface IdxFiles {
  /** Path of the images, an IDX file of two dimensions or more, plain or gzip. */
  images: string;
  /** Path of the labels, an IDX file of one dimension, plain or gzip. */
  labels: string;
  /** Number of classes; default 10. */
  classes?: number;
  /** Name for logs; default the images' path. */
  name?: string;
}

/**
 * Loads a data set from two IDX files, in the form of MNIST and its relatives.
 *
 * @param files Paths of images and labels, number of classes, name. Needs `--allow-read` for both.
 * @returns Inputs `[samples, pixels]` (bytes stay bytes, scaled by 1/255; other types become
 * float32, unscaled) and targets `[samples]`, uint8 or int32.
 * @throws {RangeError} If `classes` is no whole number from 1.
 * @throws {DataError} If a file cannot be read or is not whole, the files are swapped, images and
 * labels differ in number, or a label is not an integer from 0 to `classes - 1`.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { loadIdxDataSet } from "@millrace/millrace";
 *
 * const files = { images: "no-such-images", labels: "no-such-labels" };
 * await assert.rejects(loadIdxDataSet(files), /no-such-images/);
 * ```
 */
export async function loadIdxDataSet(files: IdxFiles): Promise<DataSet> {
  const { images, labels, classes = 10, name = images } = files;
  // Before two files are read.
  checkedClasses(classes);
  return pairIdx(
    { file: images, array: await readIdxFile(images) },
    { file: labels, array: await readIdxFile(labels) },
    classes,
    name,
  );
}

/** An IDX array and the name of the file it came from. */
interface Source {
  file: string;
  array: IdxArray;
}

/**
 * Pairs images with their labels.
 *
 * @param images The images, two dimensions or more.
 * @param labels The labels, one dimension.
 * @param classes Number of classes, an integer from 1.
 * @param name Name for logs.
 * @returns The data set.
 * @throws {DataError} As {@linkcode loadIdxDataSet} does.
 */
export function pairIdx(images: Source, labels: Source, classes: number, name: string): DataSet {
  checkedClasses(classes);
  checkRanks(images, labels);
  const samples = images.array.shape[0];
  if (labels.array.shape[0] !== samples) {
    throw new DataError(
      `Cannot pair "${images.file}" with "${labels.file}" as every image needs its label: ` +
        `received ${samples} images and ${labels.array.shape[0]} labels`,
      { file: labels.file },
    );
  }
  const { data } = labels.array;
  checkClasses(data, classes, labels.file);
  return {
    x: storeImages(images),
    y: { data: data instanceof Uint8Array ? data : Int32Array.from(data), shape: [samples] },
    classes,
    name,
  };
}

function checkRanks(images: Source, labels: Source): void {
  const isImages = ({ array }: Source): boolean => array.shape.length >= 2;
  const show = ({ file, array }: Source): string =>
    `"${file}" of shape [${array.shape.join(", ")}]`;
  if (!isImages(images) && isImages(labels)) {
    throw new DataError(
      `Cannot load the data set as images and labels are swapped: received ${show(images)} as ` +
        `images and ${show(labels)} as labels, exchange the two files`,
      { file: images.file },
    );
  }
  if (!isImages(images)) {
    throw new DataError(
      `Cannot load the images as they must have two dimensions or more: received ${show(images)} ` +
        `(is it a file of labels?)`,
      { file: images.file },
    );
  }
  if (isImages(labels)) {
    throw new DataError(
      `Cannot load the labels as they must have one dimension: received ${show(labels)} ` +
        `(is it a file of images?)`,
      { file: labels.file },
    );
  }
}

function storeImages({ file, array }: Source): StoredInputs {
  const shape = [array.shape[0], array.data.length / array.shape[0]];
  if (array.dtype === "u8") return { data: array.data, shape, scale: 1 / 255 };
  const data = array.dtype === "f32" ? array.data : Float32Array.from(array.data);
  const wrong = data.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) {
    throw new DataError(
      `Cannot use the images of "${file}" as they must be finite float32 numbers: received ` +
        `${array.data[wrong]} in image ${Math.floor(wrong / shape[1])}`,
      { file, row: Math.floor(wrong / shape[1]) + 1, column: wrong % shape[1] + 1 },
    );
  }
  return { data, shape };
}
