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
  const { followers, missing } = successors(calls);
  const phases: ScheduledCall[][] = [];
  let ready = missing.flatMap((count, place) => count === 0 ? [place] : []);
  for (let left = calls.length; left > 0;) {
    const phase: ScheduledCall[] = [];
    const touched = new Touched();
    const blocked: number[] = [];
    while (ready.length > 0) {
      const next: number[] = [];
      for (let index = 0; index < ready.length; index++) {
        const place = ready[index];
        const candidate = calls[place];
        if (touched.collides(candidate.call)) {
          blocked.push(place);
          continue;
        }
        phase.push(candidate);
        touched.add(candidate.call);
        left--;
        for (const follower of followers[place]) {
          if (--missing[follower] > 0) continue;
          if (follower < place) next.push(follower);
          else insert(ready, follower, index + 1);
        }
      }
      ready = next.sort((a, b) => a - b);
    }
    ready = blocked.sort((a, b) => a - b);
    if (phase.length === 0) throw new Error("Cannot order the plan as its calls form a cycle");
    phases.push(phase);
  }
  return phases;
}

/** The places of the calls that follow each call, and how many calls each one waits for. */
function successors(calls: readonly ScheduledCall[]) {
  const places = new Map(calls.map((call, place) => [call, place]));
  const followers = calls.map((): number[] => []);
  calls.forEach(({ after }, place) => {
    for (const before of after) followers[places.get(before)!].push(place);
  });
  return { followers, missing: calls.map(({ after }) => after.size) };
}

/** Puts a number where it belongs in the ascending numbers of `list` from `first` on. */
function insert(list: number[], number: number, first: number): void {
  let place = list.length;
  while (place > first && list[place - 1] > number) place--;
  list.splice(place, 0, number);
}

/** The calls of a phase by the buffers that they touch: only those can collide. */
class Touched {
  readonly #writers = new Map<number, Call[]>();
  readonly #readers = new Map<number, Call[]>();

  add(call: Call): void {
    const { reads, writes } = call.partition;
    for (const buffer of writes.keys()) push(this.#writers, buffer, call);
    for (const buffer of reads.keys()) push(this.#readers, buffer, call);
  }

  collides(call: Call): boolean {
    const { reads, writes } = call.partition;
    const meets = (calls: Call[] | undefined) => calls?.some((other) => collide(other, call));
    for (const buffer of reads.keys()) if (meets(this.#writers.get(buffer))) return true;
    for (const buffer of writes.keys()) {
      if (meets(this.#writers.get(buffer)) || meets(this.#readers.get(buffer))) return true;
    }
    return false;
  }
}

function push(lists: Map<number, Call[]>, key: number, call: Call): void {
  const list = lists.get(key);
  if (list) list.push(call);
  else lists.set(key, [call]);
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
