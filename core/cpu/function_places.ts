/** Functions that nobody uses, kept for whoever needs them again: as many as some networks have. */
const mostUnused = 256;

interface Known {
  readonly place: number;
  users: number;
}

/**
 * The places of functions in the tables of a device's threads. A function that no program uses stays
 * for the next training; the longest unused one gives its place to a new function once many wait, so
 * that trainings which differ in a number do not fill the memory.
 */
export class FunctionPlaces {
  readonly #known = new Map<string, Known>();
  /** Keys of functions without users, the longest unused first. */
  readonly #unused = new Set<string>();
  #end = 0;

  /** The place of a function; `undefined` for one that is not there. */
  find(key: string): number | undefined {
    return this.#known.get(key)?.place;
  }

  /** Counts one more user of a function that is there. */
  use(key: string): void {
    this.#known.get(key)!.users++;
    this.#unused.delete(key);
  }

  /** Counts one user less. */
  release(key: string): void {
    const known = this.#known.get(key)!;
    if (--known.users === 0) this.#unused.add(key);
  }

  /** A place for a new function, with one user. */
  add(key: string): number {
    const place = this.#unused.size > mostUnused ? this.#takeOldest() : this.#end++;
    this.#known.set(key, { place, users: 1 });
    return place;
  }

  #takeOldest(): number {
    const [key] = this.#unused;
    const { place } = this.#known.get(key)!;
    this.#unused.delete(key);
    this.#known.delete(key);
    return place;
  }
}
