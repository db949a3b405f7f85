import type { Call } from "./call.ts";

/** A call and the calls that must come before it. */
export interface ScheduledCall {
  /** The call. */
  readonly call: Call;
  /** Calls that it must follow. */
  readonly after: ReadonlySet<ScheduledCall>;
}

/**
 * Orders calls into phases. Inside a phase a thread never needs what another thread wrote in it,
 * so threads meet only between phases: a training step of a small network has two.
 */
export function schedule(calls: readonly ScheduledCall[]): ScheduledCall[][] {
  const waiting = new Set(calls);
  const done = new Set<ScheduledCall>();
  const phases: ScheduledCall[][] = [];
  while (waiting.size > 0) {
    const phase: ScheduledCall[] = [];
    let grew = true;
    while (grew) {
      grew = false;
      for (const candidate of waiting) {
        const ready = [...candidate.after].every((before) => done.has(before));
        if (!ready || phase.some((other) => collide(other.call, candidate.call))) continue;
        waiting.delete(candidate);
        done.add(candidate);
        phase.push(candidate);
        grew = true;
      }
    }
    if (phase.length === 0) throw new Error("Cannot order the plan as its calls form a cycle");
    phases.push(phase);
  }
  return phases;
}

/** True when `second` must not run in the same phase after `first`. */
function collide(first: Call, second: Call): boolean {
  const inLine = (a: boolean | undefined, b: boolean | undefined) =>
    a === true && b === true && first.partition.units === second.partition.units &&
    !first.partition.replicated && !second.partition.replicated;
  for (const [buffer, aligned] of first.partition.writes) {
    const reads = second.partition.reads.has(buffer);
    const writes = second.partition.writes.has(buffer);
    if (!reads && !writes) continue;
    // What every thread has computed for itself, every thread may read.
    if (!writes && first.partition.replicated) continue;
    if (reads && !inLine(aligned, second.partition.reads.get(buffer))) return true;
    if (writes && !inLine(aligned, second.partition.writes.get(buffer))) return true;
  }
  for (const [buffer, aligned] of second.partition.writes) {
    if (!first.partition.reads.has(buffer)) continue;
    if (!inLine(first.partition.reads.get(buffer), aligned)) return true;
  }
  return false;
}
