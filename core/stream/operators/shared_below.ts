/** What an operator shares with the one of its kind below it in the same pipe. */
export interface Joined<Shared> {
  /** The state of both. */
  readonly shared: Shared;
  /** Whether there is one below, whose state it is. */
  readonly inner: boolean;
  /** Subscribes to what is above; whoever joins there by the same key shares the state. */
  subscribe(action: () => void): void;
}

/**
 * The states of pipes that are being subscribed at this moment. Subscription goes up a pipe in one
 * synchronous call, so that an operator among steps finds the state of the one among epochs below it.
 */
export class SharedBelow<Key, Shared> {
  readonly #open = new Map<Key, Shared>();

  /**
   * Joins the operator below.
   *
   * @param key What both write to.
   * @param create Makes the state, if there is no operator below.
   */
  join(key: Key, create: () => Shared): Joined<Shared> {
    const below = this.#open.get(key);
    if (below !== undefined) return { shared: below, inner: true, subscribe: (action) => action() };
    const shared = create();
    const subscribe = (action: () => void) => {
      this.#open.set(key, shared);
      try {
        action();
      } finally {
        this.#open.delete(key);
      }
    };
    return { shared, inner: false, subscribe };
  }
}
