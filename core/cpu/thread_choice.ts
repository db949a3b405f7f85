/** Runs on one thread, and then on all, that are timed; the first ones of each find cold caches. */
const trial = 10;
const cold = 4;

/** Runs from one timing to the next. */
const apart = 2048;

/** A change has to be worth a twentieth. */
const gain = 0.95;

/**
 * On how many threads a small plan is walked: on one or on all, whichever took less time when both were
 * tried a moment ago. Threads cost more than they save where shares are small, or where the system has
 * other work for its cores; what comes out has the same bits.
 */
export class ThreadChoice {
  #chosen: number;
  #turn = 0;
  /** Milliseconds of the runs of a trial. */
  readonly #times: { readonly one: number[]; readonly all: number[] } = { one: [], all: [] };

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
    if (!this.timed) return this.#chosen;
    return this.#turn < trial ? 1 : this.all;
  }

  /** Whether the next run is to be timed. */
  get timed(): boolean {
    return this.#turn < 2 * trial && this.all > 1;
  }

  /** Notes that a run was made: how long it took, if it was timed, and how many threads took part. */
  ran(milliseconds: number, threads: number): void {
    const turn = this.#turn;
    this.#turn = (turn + 1) % apart;
    if (turn >= 2 * trial || this.all === 1) return;
    if (turn === 0) this.#times.one.length = this.#times.all.length = 0;
    if (turn % trial >= cold) this.#times[turn < trial ? "one" : "all"].push(milliseconds);
    // Workers that are not there yet are tried again.
    if (turn >= trial && threads < this.all) this.#turn = 0;
    else if (this.#turn === 2 * trial) this.#choose();
  }

  #choose(): void {
    const [one, all] = [median(this.#times.one), median(this.#times.all)];
    if (this.#chosen === 1) this.#chosen = all < gain * one ? this.all : 1;
    else this.#chosen = one < gain * all ? 1 : this.all;
  }
}

/** Not the mean: a run that the system has held up says nothing of the next two thousand. */
function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[times.length >> 1];
}
