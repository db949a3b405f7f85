/**
 * The WebGPU executor.
 *
 * @module
 */
export { type DTypePolicy, openWebGpu, type WebGpuDevice, type WebGpuOptions } from "./device.ts";
export type { GpuStatistics } from "./statistics.ts";
export type { TileChoice, TiledTile } from "./tiles.ts";
export type { Tuning } from "./tuning.ts";
