/** What kernels are shaped by: the adapter's kind and limits. */
export interface Tuning {
  /** True on an adapter that computes on the CPU. */
  readonly software: boolean;
  /** Threads of a workgroup of the plain kernels. */
  readonly lanes: number;
  /** Storage buffers that one kernel may bind. */
  readonly storageBuffers: number;
  /** Bytes of memory that the threads of a workgroup may share. */
  readonly sharedBytes: number;
  /** Threads that a workgroup may have. */
  readonly invocations: number;
  /** Bytes that one binding may cover. */
  readonly bindingBytes: number;
}

/** Kernels for an adapter with WebGPU's default limits. */
export const defaultTuning: Tuning = {
  software: false,
  lanes: 64,
  storageBuffers: 8,
  sharedBytes: 16384,
  invocations: 256,
  bindingBytes: 2 ** 27,
};
