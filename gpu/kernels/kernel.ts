import type { StructuredCall } from "../../core/graph/call.ts";
import type { GpuCall } from "../call.ts";
import type { ShaderBuilder } from "../shader_builder.ts";
import type { Tuning } from "../tuning.ts";

/** A part of a dispatch: so many workgroups that do one call. */
export interface Section {
  /** Workgroups. */
  readonly groups: number;
  /** Statements over `group`, the workgroup's number in the section, and `lane`. */
  readonly code: string;
  /** Threads of a workgroup, where they are not {@link Tuning.lanes}; it then stands alone. */
  readonly lanes?: number;
}

/** The kernel of a structured op. */
export interface GpuKernel {
  /**
   * Threads of a workgroup when it needs another number than other kernels and so cannot share a
   * dispatch with them; `null` when it can.
   */
  ownLanes(call: StructuredCall, slices: number, tuning: Tuning): number | null;
  /** Emits the kernel into a shader. */
  emit(shader: ShaderBuilder, call: GpuCall, tuning: Tuning): Section;
}
