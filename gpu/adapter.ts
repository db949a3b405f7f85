import { KernelError } from "../core/graph/errors.ts";
import { Faults } from "./faults.ts";
import { defaultTiles } from "./tiles.ts";
import type { Tuning } from "./tuning.ts";

/** Limits that are raised to what the adapter has. */
const limitNames = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxUniformBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupsPerDimension",
] as const;

/** Features that are switched on where the adapter has them. */
const featureNames = ["timestamp-query", "shader-f16"] as const;

/** Threads that Mesa's software adapter starts at most. */
const mostProcessors = 32;

/** An adapter's device and what is known of it. */
export interface OpenedAdapter {
  /** WebGPU's device. */
  readonly device: GPUDevice;
  /** Its errors. */
  readonly faults: Faults;
  /** Name of the hardware. */
  readonly name: string;
  /** What kernels are shaped by. */
  readonly tuning: Tuning;
}

/**
 * Opens the best adapter with its own limits.
 *
 * @param allowSoftware Whether an adapter that computes on the CPU will do.
 * @returns The device, or `null` when there is no such adapter.
 * @throws {KernelError} when the adapter gives no device.
 */
export async function openAdapter(allowSoftware: boolean): Promise<OpenedAdapter | null> {
  const adapter = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) return null;
  // An adapter that has given a device may tell nothing of itself any more.
  const { isFallbackAdapter, description, vendor, architecture } = adapter.info;
  if (isFallbackAdapter && !allowSoftware) return null;
  const name = description || [vendor, architecture].filter(Boolean).join(" ") || "GPU";
  const requiredLimits = Object.fromEntries(
    limitNames.map((limit) => [limit, adapter.limits[limit]]),
  );
  const requiredFeatures = featureNames.filter((feature) => adapter.features.has(feature));
  let device: GPUDevice;
  try {
    device = await adapter.requestDevice({ requiredLimits, requiredFeatures });
  } catch (error) {
    throw new KernelError(`Cannot open the GPU "${name}": ${(error as Error).message}`);
  }
  const { limits } = device;
  const tuning: Tuning = {
    software: isFallbackAdapter,
    processors: isFallbackAdapter ? Math.min(navigator.hardwareConcurrency, mostProcessors) : 1,
    lanes: isFallbackAdapter ? 8 : 64,
    half: false,
    storageBuffers: limits.maxStorageBuffersPerShaderStage,
    sharedBytes: limits.maxComputeWorkgroupStorageSize,
    invocations: limits.maxComputeInvocationsPerWorkgroup,
    bindingBytes: Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize),
    uniformBytes: isFallbackAdapter ? Math.min(limits.maxUniformBufferBindingSize, 65536) : 0,
    tiles: defaultTiles,
    rowWork: isFallbackAdapter ? 8192 : 1024,
    uniformBuffers: limits.maxUniformBuffersPerShaderStage,
    timestamps: device.features.has("timestamp-query"),
  };
  return { device, faults: new Faults(device), name, tuning };
}
