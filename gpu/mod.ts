/**
 * The WebGPU executor.
 *
 * @module
 */
export { openWebGpu, type WebGpuDevice, type WebGpuOptions } from "./device.ts";
export type { GpuStatistics } from "./statistics.ts";
export type { Tuning } from "./tuning.ts";
