/** What a kernel has to do in a step, however long it takes. */
export interface KernelWork {
  /** The ops that it computes, with the layer or weight: `matmul [32,784]×[784,30] (dense_1)`. */
  readonly name: string;
  /** Additions, multiplications and the like; a multiply-add counts as two. */
  readonly flops: number;
  /** Bytes that it reads and writes, each operand once. */
  readonly bytes: number;
}

/** A stretch of time in which one row of the profile did one thing. */
export interface ProfileSpan {
  /** Number of the kernel; −1 where a thread waited for the others. */
  readonly kernel: number;
  /** Row: number of the thread or queue. */
  readonly lane: number;
  /** Milliseconds on the clock of `performance.now()`. */
  readonly start: number;
  /** Milliseconds on the clock of `performance.now()`. */
  readonly end: number;
}

/** Where the time of one step went. */
export interface StepProfile {
  /** Kernels of the step's plan; the same array at every step of that plan. */
  readonly kernels: readonly KernelWork[];
  /** Names of the rows: threads or queues. */
  readonly lanes: readonly string[];
  /** What each row did, in order of time. */
  readonly spans: readonly ProfileSpan[];
  /** When the step began, in milliseconds on the clock of `performance.now()`. */
  readonly start: number;
  /**
   * Milliseconds that the step took, those that profiling itself cost taken off: kernels, waiting
   * threads, and what lies between them.
   */
  readonly milliseconds: number;
  /**
   * Milliseconds in which the host prepared the step, since the end of the step before; `null` on
   * a device that computes meanwhile, and for the first step that is profiled.
   */
  readonly host: number | null;
}

/** The most that a device can do, measured on it. */
export interface Ceilings {
  /** 32-bit floating-point operations a second (64-bit on the reference), all threads together. */
  readonly flops: number;
  /** Bytes read plus bytes written a second by a copy that no cache holds. */
  readonly bytes: number;
}
