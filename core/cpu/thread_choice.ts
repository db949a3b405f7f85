/** Runs of either kind that are timed in a trial. */
const timedRuns = 6;

/** Runs before those: caches are cold, and threads wake up. */
const coldRuns = 16;

/**
 * Runs from one trial to the next: twice as many each time, as V8 still compiles at first; fewer on one
 * thread, as what held up the others for a moment would cost a third of what comes.
 */
const apart = { first: 128, onOne: 512, most: 2048 };

/** A change has to be worth a twentieth. */
const gain = 0.95;

/**
 * On how many threads a small plan is walked: on one or on all, whichever took less time when both were
 * tried a moment ago. Threads cost more than they save where shares are small, or where the system has
 * other work for its cores; what comes out has the same bits.
 */
export class ThreadChoice {
  #chosen: number;
  /** What is tried: first what is chosen, as its threads are awake, then the other; 2: no trial. */
  #tried: 0 | 1 | 2 = 0;
  /** Runs of what is tried, and the milliseconds of those that are timed. */
  #runs = 0;
  #times: number[] = [];
  /** Milliseconds of a run of what is chosen. */
  #before = 0;
  #apart = apart.first;
  #left = 0;

  /** @param all Threads that there are. */
  constructor(private readonly all: number) {
    this.#chosen = all;
  }

  /** Threads that were found best; all before the first trial. */
  get chosen(): number {
    return this.#chosen;
  }

  /** Threads of the next run. */
  get threads(): number {
    return this.#tried === 1 ? this.#other : this.#chosen;
  }

  /** Whether the next run is to be timed. */
  get timed(): boolean {
    return this.#tried < 2 && this.all > 1;
  }

  /** Notes that a run was made: how long it took, if it was timed, and how many threads took part. */
  ran(milliseconds: number, threads: number): void {
    if (!this.timed) {
      if (--this.#left === 0) this.#try(0);
    } else if (threads < this.threads) {
      // Workers that are not there yet are tried again.
      this.#try(0);
    } else if (++this.#runs > coldRuns && this.#times.push(milliseconds) === timedRuns) {
      this.#judge(median(this.#times));
    }
  }

  get #other(): number {
    return this.#chosen === 1 ? this.all : 1;
  }

  #try(tried: 0 | 1): void {
    this.#tried = tried;
    this.#runs = 0;
    this.#times = [];
  }

  #judge(milliseconds: number): void {
    if (this.#tried === 0) {
      this.#before = milliseconds;
      this.#try(1);
      return;
    }
    if (milliseconds < gain * this.#before) this.#chosen = this.#other;
    this.#tried = 2;
    this.#left = this.#chosen === 1 ? Math.min(this.#apart, apart.onOne) : this.#apart;
    this.#apart = Math.min(2 * this.#apart, apart.most);
  }
}

/** Not the mean: a run that the system has held up says nothing of the next two thousand. */
function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[times.length >> 1];
}
