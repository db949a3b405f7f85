/** How many objects a device has made, and how much work it was given. */
export interface GpuStatistics {
  /** Buffers made. */
  buffers: number;
  /** Pipelines made. */
  pipelines: number;
  /** Bind groups made. */
  bindGroups: number;
  /** Command buffers submitted. */
  submits: number;
  /** Dispatches encoded. */
  dispatches: number;
}
