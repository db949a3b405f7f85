import { planArena } from "./arena.ts";
import type { BufferSpec, Call, StridedOperand } from "./call.ts";
import { lower } from "./lower.ts";
import type { Program } from "./program.ts";
import { schedule } from "./schedule.ts";
import { splitFolds } from "./split_folds.ts";
import type { Tensor } from "./tensor.ts";

/** A whole step, ready to be bound to a device's memory and replayed. */
export interface Plan {
  /** Kernel calls by phase; threads meet before each phase but the first. */
  readonly phases: readonly (readonly Call[])[];
  /** All memory. */
  readonly buffers: readonly BufferSpec[];
  /** Bytes of the arena. */
  readonly arenaBytes: number;
  /** Scalars of the step's scalar block, in order; 4 bytes each. */
  readonly scalars: readonly Tensor[];
  /** Where each of the program's outputs is, contiguous. */
  readonly outputs: readonly StridedOperand[];
  /** Leaves that must be bound to memory: inputs, states, constants. */
  readonly leaves: readonly Tensor[];
}

/** Options of {@link planProgram}. */
export interface PlanOptions {
  /** Whether loops write over large values that they are the last to read; default false. */
  readonly overwrite?: boolean;
  /** Whether long folds with few results are cut in parts, for threads to share; default false. */
  readonly splitFolds?: boolean;
}

/** Plans `program`: fuses it into kernel calls, orders them, and lays out their memory. */
export function planProgram(program: Program, options: PlanOptions = {}): Plan {
  const lowered = lower(program, options.overwrite);
  const calls = options.splitFolds ? splitFolds(lowered.calls, lowered.buffers) : lowered.calls;
  const phases = schedule(calls);
  const arenaBytes = planArena(phases, lowered.buffers, lowered.outputs);
  return {
    phases: phases.map((phase) => phase.map(({ call }) => call)),
    buffers: lowered.buffers,
    arenaBytes,
    scalars: lowered.scalars,
    outputs: lowered.outputs,
    leaves: lowered.buffers.flatMap(({ leaf }) => leaf && leaf !== "scalars" ? [leaf] : []),
  };
}
