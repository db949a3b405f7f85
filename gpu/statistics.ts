/** How many objects a device has made, and how much work it was given. */
export interface GpuStatistics {
  /** Buffers made, those that the host reads aside. */
  buffers: number;
  /** Buffers made for the host to read: as many as there were reads under way at once. */
  stagingBuffers: number;
  /** Bytes of the arenas made: what programs compute in, leaves and batches of bytes aside. */
  arenaBytes: number;
  /** Pipelines made. */
  pipelines: number;
  /** Bind groups made. */
  bindGroups: number;
  /** Command buffers submitted. */
  submits: number;
  /** Dispatches encoded. */
  dispatches: number;
}
