import { defaultTiles, type TileChoice } from "./tiles.ts";

/** What kernels are shaped by: the adapter's kind and limits. */
export interface Tuning {
  /** True on an adapter that computes on the CPU. */
  readonly software: boolean;
  /** Threads among which a software adapter deals out the workgroups of a dispatch; 1 elsewhere. */
  readonly processors: number;
  /** Threads of a workgroup of the plain kernels. */
  readonly lanes: number;
  /** Whether activations and their gradients are stored as 16-bit floats. */
  readonly half: boolean;
  /** Storage buffers that one kernel may bind. */
  readonly storageBuffers: number;
  /** Bytes of memory that the threads of a workgroup may share. */
  readonly sharedBytes: number;
  /** Threads that a workgroup may have. */
  readonly invocations: number;
  /** Bytes that one binding may cover. */
  readonly bindingBytes: number;
  /** Bytes that a uniform binding covers where those are read faster than storage; 0 elsewhere. */
  readonly uniformBytes: number;
  /** Uniform buffers that one kernel may bind. */
  readonly uniformBuffers: number;
  /** Tiles of larger products. */
  readonly tiles: TileChoice;
  /** Multiplications up to which one thread does all that becomes of a row of a batch. */
  readonly rowWork: number;
  /** Whether the adapter's timestamps are used in profiles. */
  readonly timestamps: boolean;
}

/** Kernels for an adapter with WebGPU's default limits. */
export const defaultTuning: Tuning = {
  software: false,
  processors: 1,
  lanes: 64,
  half: false,
  storageBuffers: 8,
  sharedBytes: 16384,
  invocations: 256,
  bindingBytes: 2 ** 27,
  uniformBytes: 0,
  uniformBuffers: 12,
  tiles: defaultTiles,
  rowWork: 1024,
  timestamps: true,
};
