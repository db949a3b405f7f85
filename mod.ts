/**
 * Millrace trains neural networks as RxJS streams: mini-batches flow through `forward`, `loss`,
 * `backward` and `update`; kernels run on Deno's WebGPU, or on the CPU through WebAssembly.
 *
 * @example
 * ```ts
 * import {
 *   accuracy, arrays, backward, dense, epochs, forward, input, loss, measure, miniBatches,
 *   sequential, sgd, sparseCategoricalCrossentropy, update,
 * } from "@millrace/millrace";
 * import { lastValueFrom } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const data = arrays([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0], { classes: 2 });
 * const model = sequential([input([2]), dense(16, { activation: "tanh" }), dense(2)], { seed: 1 });
 * const steps = miniBatches(data, { batchSize: 4, epochs: 300, device: "cpu", threads: 1 }).pipe(
 *   forward(model),
 *   loss(sparseCategoricalCrossentropy({ fromLogits: true })),
 *   backward(),
 *   update(sgd({ learningRate: 0.5, momentum: 0.9 })),
 *   measure(accuracy()),
 * );
 * const { logs } = await lastValueFrom(steps.pipe(epochs()));
 * assert.equal(logs.accuracy, 1);
 * ```
 *
 * @module
 */
export { type CpuOptions, openCpu } from "./core/cpu/device.ts";
export { evaluateTensors } from "./core/cpu/evaluate.ts";
export { openReference } from "./core/cpu/reference_device.ts";
export * from "./core/graph/mod.ts";
export * from "./core/nn/mod.ts";
export * from "./core/onnx/mod.ts";
export * from "./core/ops/mod.ts";
export * from "./core/search/mod.ts";
export * from "./core/state/mod.ts";
export * from "./core/stream/mod.ts";
export * from "./data/mod.ts";
export {
  type DTypePolicy,
  openWebGpu,
  type WebGpuDevice,
  type WebGpuOptions,
} from "./gpu/device.ts";
export type { GpuStatistics } from "./gpu/statistics.ts";
export type { TileChoice, TiledTile } from "./gpu/tiles.ts";
export type { Tuning } from "./gpu/tuning.ts";
