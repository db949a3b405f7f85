/** Reads the files of `prepare_data.ts` for the peers written in TypeScript. */

import { join } from "node:path";
import { kernelShape, type LayerShape, type MatrixProduct, type Network } from "./workloads.ts";

/** Digits that a benchmark uses: the first of MNIST's training set. */
export const SAMPLES = 10_000;

/** A layer and, if it has any, its initial weights. */
export interface GivenLayer {
  readonly layer: LayerShape;
  readonly weights: GivenWeights | null;
}

/** Initial weights of a layer. */
export interface GivenWeights {
  readonly kernel: Float32Array<ArrayBuffer>;
  /** [inputs, outputs] or [height, width, channels, filters], row-major. */
  readonly kernelShape: number[];
  readonly bias: Float32Array<ArrayBuffer>;
}

/** A mini-batch: pixels in 0..1 as [batch, 784], classes as one-hot rows [batch, 10]. */
export interface DigitBatch {
  readonly pixels: Float32Array<ArrayBuffer>;
  readonly oneHot: Float32Array<ArrayBuffer>;
}

/** The stored bytes: pixels [10000, 784] and classes [10000]. */
export function readDigits(folder: string): { images: Uint8Array; labels: Uint8Array } {
  return {
    images: Deno.readFileSync(join(folder, "images.u8")),
    labels: Deno.readFileSync(join(folder, "labels.u8")),
  };
}

/** The digits as consecutive full batches; the last partial one is left out. */
export function readBatches(folder: string, batchSize: number): DigitBatch[] {
  const { images, labels } = readDigits(folder);
  return Array.from({ length: Math.floor(SAMPLES / batchSize) }, (_, index) => {
    const first = index * batchSize;
    const bytes = images.subarray(first * 784, (first + batchSize) * 784);
    const oneHot = new Float32Array(batchSize * 10);
    for (let row = 0; row < batchSize; row++) oneHot[row * 10 + labels[first + row]] = 1;
    return { pixels: Float32Array.from(bytes, (byte) => byte / 255), oneHot };
  });
}

/** The layers of a network with their initial weights. */
export function readLayers(folder: string, network: Network): GivenLayer[] {
  const values = new Float32Array(Deno.readFileSync(join(folder, `${network.name}.f32`)).buffer);
  let offset = 0;
  const take = (count: number) => values.slice(offset, offset += count);
  return network.layers.map((layer) => {
    const shape = kernelShape(layer);
    if (shape === null) return { layer, weights: null };
    const kernel = take(shape.reduce((product, size) => product * size));
    return { layer, weights: { kernel, kernelShape: shape, bias: take(shape.at(-1)!) } };
  });
}

/** Operands of a matrix product, the same for every peer, with their stored shapes. */
export function operands(product: MatrixProduct) {
  const { rows, inner, columns, transposeLeft, transposeRight } = product;
  const fill = (count: number, factor: number) =>
    Float32Array.from({ length: count }, (_, index) => ((index * factor) % 1000) / 1000 - 0.5);
  return {
    left: fill(rows * inner, 7919),
    leftShape: (transposeLeft ? [inner, rows] : [rows, inner]) as [number, number],
    right: fill(inner * columns, 6007),
    rightShape: (transposeRight ? [columns, inner] : [inner, columns]) as [number, number],
  };
}
