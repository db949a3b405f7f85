import type { Device } from "../core/graph/device.ts";
import type { GpuStatistics } from "./statistics.ts";
import type { Tuning } from "./tuning.ts";

/**
 * How a GPU keeps the numbers that it computes with: `mixed_float16` stores activations and their
 * gradients as 16-bit floats and adds up in float32; weights, optimizer state, losses and what is read
 * back are float32 in either.
 */
export type DTypePolicy = "float32" | "mixed_float16";

/** Options of {@link openWebGpu}. */
export interface WebGpuOptions {
  /** Whether an adapter that computes on the CPU will do, as in tests; default false. */
  readonly allowSoftware?: boolean;
  /**
   * Whether the tiles of large matrix products are chosen by a measurement of some 10 ms, once for
   * an adapter and process; by default on hardware that can take times. The results have the same
   * bits whatever is chosen: {@link Tuning.tiles} fixes the choice, for figures that compare.
   */
  readonly measureTiles?: boolean;
  /**
   * `mixed_float16` halves the memory of activations and their gradients, of which values from 65,520
   * on are infinite and those below 6·10⁻⁸ are 0: train with `lossScaling`. It needs an adapter with
   * the feature `shader-f16`; default `float32`.
   */
  readonly dtypePolicy?: DTypePolicy;
  /** Shapes of kernels other than the adapter's, for tests and measurements. */
  readonly tuning?: Partial<Tuning>;
}

/** An executor on WebGPU. */
export interface WebGpuDevice extends Device {
  /** What kernels are shaped by. */
  readonly tuning: Tuning;
  /** Objects made and work given so far. */
  readonly statistics: Readonly<GpuStatistics>;
  /** True once the device was disposed of. */
  readonly disposed: boolean;
  /** Waits until everything given to the GPU is done, and throws what went wrong. */
  idle(): Promise<void>;
  /** Disposes of the device at the end of a `using` block. */
  [Symbol.dispose](): void;
}
