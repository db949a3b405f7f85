import { addCosts, callCost } from "../graph/cost.ts";
import { formatLabel, joinLabels } from "../graph/label.ts";
import type { Plan } from "../graph/plan.ts";
import type { KernelWork, ProfileSpan, StepProfile } from "../graph/profile.ts";
import { clockKey, clockModule } from "./clock_module.ts";
import { chainWords, claimWords, ownWord, recordWords } from "./kernels/load.ts";
import type { SharedMemory } from "./memory.ts";
import type { ThreadPool } from "./thread_pool.ts";

/** What a thread does up to a mark: a kernel's number, or one of these. */
const waiting = -1;
const beginning = -2;

/** Marks of a run that compares the clocks of threads. */
const comparisons = 64;

/** Bytes from one thread's marks to the next: lines of their own, so that no mark waits for another. */
function laneBytes(marks: number): number {
  return Math.ceil(marks * 8 / 64) * 64;
}

/**
 * A plan's records with a reading of the clock between any two of them, chains as one, in every
 * thread. They are walked by the same threads, each of which does its own share, where otherwise who
 * comes first takes what is left, and to the same bits; the walker itself knows nothing of it.
 */
export class ProfiledPlan {
  /** Where the records are. */
  readonly address: number;
  readonly #kernels: readonly KernelWork[];
  /** What ends at each mark. */
  readonly #ends: readonly number[];
  readonly #marks: number;
  readonly #owned: readonly number[];
  readonly #clock: number;
  #clocks: { threads: number; offsets: readonly number[]; reading: number } | undefined;
  #finished: number | null = null;

  /** @param plan The plan. @param source Where its records are. */
  constructor(
    plan: Plan,
    source: number,
    private readonly memory: SharedMemory,
    private readonly pool: ThreadPool,
  ) {
    const kernels = recordsOfKernels(plan, (place) => this.#words(source, place)[chainWords + 1]);
    const calls = plan.phases.flat();
    this.#kernels = kernels.map(({ first, length }) => {
      const chained = calls.slice(first, first + length);
      const label = chained.map((call) => call.label).reduce(joinLabels);
      return { name: formatLabel(label), ...addCosts(chained.map(callCost)) };
    });
    if (pool.find(clockKey) === undefined) pool.load(clockModule, [clockKey]);
    this.#clock = pool.find(clockKey)!;
    const meets = kernels.map(({ first }) => this.#words(source, first)[1] !== 0);
    const ends = [beginning];
    meets.forEach((meet, place) => ends.push(...(meet ? [waiting, place] : [place])));
    // The step is over when the last thread is done: what the others wait until then is waiting.
    ends.push(waiting);
    this.#ends = ends;
    const marks = Math.max(ends.length, comparisons);
    this.#marks = memory.allocate(laneBytes(marks) * pool.threads, "the marks of a profile");
    const records = ends.flatMap((end, mark) => {
      const stamp = this.#stamp(mark, end === waiting, ends.length);
      if (end < 0) return [stamp];
      const { first, length } = kernels[end];
      const chained = Array.from({ length }, (_, place) => [...this.#words(source, first + place)]);
      // The mark before it is where threads meet.
      chained[0][1] = 0;
      chained[0][claimWords] = 0;
      return [...chained, stamp];
    });
    this.address = this.#write(records);
    this.#owned = [this.#marks, this.address];
  }

  /** Readies the clocks of `threads`, and says when the step begins, and how many may take part. */
  begin(threads: number): { start: number; threads: number } {
    if (threads !== this.#clocks?.threads) this.#compareClocks(threads);
    // One that has come since has a clock that nothing is known of.
    return { start: performance.now(), threads: this.#clocks!.offsets.length };
  }

  /** What the marks of a step that began at `start` say. */
  end(start: number, threads: number): StepProfile {
    const end = performance.now();
    const count = this.#ends.length;
    const { offsets, reading } = this.#clocks!;
    const lanes = Array.from({ length: threads }, (_, lane) => lane);
    const marks = lanes.map((lane) => {
      const address = this.#marks + lane * laneBytes(count);
      return Float64Array.from(
        new Float64Array(this.memory.memory.buffer, address, count),
        (time) => time - offsets[lane],
      );
    });
    const spans: ProfileSpan[] = marks.flatMap((times, lane) =>
      this.#ends.flatMap((kernel, mark) => {
        if (kernel === beginning) return [];
        // The clock is read between the two marks, too.
        const begun = times[mark - 1] + reading;
        return [{ kernel, lane, start: begun, end: Math.max(begun, times[mark]) }];
      })
    );
    const host = this.#finished === null ? null : start - this.#finished;
    const profile: StepProfile = {
      kernels: this.#kernels,
      lanes: lanes.map((lane) => `thread ${lane + 1}`),
      spans,
      start,
      milliseconds: Math.max(0, end - start - count * reading),
      host,
    };
    this.#finished = performance.now();
    return profile;
  }

  /** Frees the records. */
  dispose(): void {
    for (const address of this.#owned) this.memory.free(address);
  }

  /**
   * Finds how far each worker's clock is from this thread's, by what they show as threads leave the
   * same barriers, and how long a reading takes.
   */
  #compareClocks(threads: number): void {
    const read = (meet: boolean) => {
      const stamps = Array.from(
        { length: comparisons },
        (_, mark) => this.#stamp(mark, meet, comparisons),
      );
      const plan = this.#write(stamps);
      const taking = this.pool.run(plan, threads);
      this.pool.settle();
      this.memory.free(plan);
      return Array.from({ length: taking }, (_, lane) =>
        new Float64Array(
          this.memory.memory.buffer,
          this.#marks + lane * laneBytes(comparisons),
          comparisons,
        ).slice());
    };
    const [own] = read(false);
    const reading = median(Array.from(own.subarray(1), (time, mark) => time - own[mark]));
    const [first, ...others] = read(true);
    const offsets = others.map((times) =>
      median(Array.from(times, (time, mark) => time - first[mark]))
    );
    // Workers that are not there yet are asked again next time.
    const known = others.length + 1 === threads || threads === 1;
    this.#clocks = { threads: known ? threads : 0, offsets: [0, ...offsets], reading };
  }

  /** A record that writes the time, for every thread. */
  #stamp(mark: number, meet: boolean, marks: number): number[] {
    return [1, meet ? 1 : 0, 1, 0, this.#clock, this.#marks + mark * 8, laneBytes(marks)];
  }

  #words(source: number, record: number): Uint32Array {
    const start = source + record * recordWords * 4;
    return new Uint32Array(this.memory.memory.buffer, start, recordWords);
  }

  /** Writes records and the one that ends them. */
  #write(records: readonly (readonly number[])[]): number {
    const bytes = (records.length + 1) * recordWords * 4;
    const address = this.memory.allocate(bytes, "a profiled plan");
    records.forEach((record, place) => {
      const words = this.#words(address, place);
      words.set(record);
      words[ownWord] = 1;
    });
    return address;
  }
}

/** Where the records of each kernel are: a chain is one kernel. */
function recordsOfKernels(plan: Plan, chained: (place: number) => number) {
  const kernels: { first: number; length: number }[] = [];
  const count = plan.phases.flat().length;
  for (let first = 0; first < count; first += kernels.at(-1)!.length) {
    kernels.push({ first, length: chained(first) || 1 });
  }
  return kernels;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
