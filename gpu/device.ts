import { openGpuDevice } from "./gpu_device.ts";
import type { WebGpuDevice, WebGpuOptions } from "./web_gpu.ts";

export type { DTypePolicy, WebGpuDevice, WebGpuOptions } from "./web_gpu.ts";

/**
 * Opens the GPU.
 *
 * @param options Which adapters will do, and how numbers are stored.
 * @returns A device to prepare programs on, or `null` when there is no adapter, or only a software
 * one that was not asked for.
 * @throws {KernelError} when the adapter gives no device, or cannot store numbers as asked.
 * @throws {TypeError} when there is no such policy.
 */
export async function openWebGpu(options: WebGpuOptions = {}): Promise<WebGpuDevice | null> {
  return await openGpuDevice(options);
}
