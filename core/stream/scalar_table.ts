import { BehaviorSubject, Observable, type Subscription } from "rxjs";
import { scalarLeaf } from "../graph/leaf.ts";
import type { Tensor } from "../graph/tensor.ts";
import { checkScalar, type ScalarRange } from "../nn/check_scalar.ts";
import { namedKey } from "../nn/named_key.ts";
import type { Hyperparameter } from "../nn/hyperparameter.ts";
import type { ScalarSource } from "../nn/scalar.ts";
import type { KeptState, StateValue } from "./kept_state.ts";

/** Sources of one scalar after which a run is warned, once: each step makes one of its own. */
const manySources = 8;

/** The numbers of a run that may change between steps, and where each comes from. */
export class ScalarTable implements KeptState {
  readonly #leaves = new Map<string, Map<unknown, Tensor>>();
  readonly #providers = new Map<Tensor, () => number>();
  readonly #subscriptions: Subscription[] = [];
  /** Hyperparameters by the name of the scalar that they drive. */
  readonly #hyperparameters = new Map<string, Hyperparameter>();
  /** Numbers of hyperparameters that have not been met yet, of the run that goes on. */
  #saved: Readonly<Record<string, number>> = {};

  /** @param seed Seed of random keys. @param iteration Updates so far, for schedules. */
  constructor(private readonly seed: number, private readonly iteration: () => number) {}

  /** The scalar of `source` under `name`: found, or made. */
  scalar(source: ScalarSource, name: string, range?: ScalarRange): Tensor {
    return this.#leaf(name, source, "f32", () => this.#provide(source, name, range));
  }

  /** A scalar that the run itself works out before every step. */
  computed(name: string, value: () => number, dtype: "f32" | "u32" = "f32"): Tensor {
    return this.#leaf(name, null, dtype, () => value);
  }

  /** Two u32 words folded from the seed and `name`. */
  randomKey(name: string): { key0: Tensor; key1: Tensor } {
    const { key0, key1 } = namedKey(this.seed, name);
    return {
      key0: this.computed(`${name}/key0`, () => key0, "u32"),
      key1: this.computed(`${name}/key1`, () => key1, "u32"),
    };
  }

  /** What gives the present number of a scalar. */
  provider(leaf: Tensor): () => number {
    return this.#providers.get(leaf)!;
  }

  /** Stops listening to observables. */
  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }

  save(): StateValue {
    const values = [...this.#hyperparameters].map(([name, { value }]) => [name, value] as const);
    return { ...this.#saved, ...Object.fromEntries(values) };
  }

  restore(saved: StateValue): void {
    this.#saved = saved as Record<string, number>;
  }

  #leaf(name: string, source: unknown, dtype: "f32" | "u32", make: () => () => number): Tensor {
    let named = this.#leaves.get(name);
    if (!named) this.#leaves.set(name, named = new Map());
    let leaf = named.get(source);
    if (!leaf) {
      const provider = make();
      if (named.size === manySources) {
        console.error(
          `Warning: the scalar "${name}" has had ${manySources} sources, and each makes another plan: ` +
            `make the function or stream that gives its numbers once, outside of what steps call`,
        );
      }
      leaf = scalarLeaf(name, dtype);
      named.set(source, leaf);
      this.#providers.set(leaf, provider);
    }
    return leaf;
  }

  #provide(source: ScalarSource, name: string, range?: ScalarRange): () => number {
    if (typeof source === "number") {
      checkScalar(name, source, range);
      return () => source;
    }
    if (source instanceof Observable) {
      if (isHyperparameter(source)) this.#resume(source, name);
      return this.#listen(source, name, range);
    }
    return () => checkScalar(name, source(this.iteration()), range);
  }

  /**
   * Gives a hyperparameter the number that the run which goes on had, before the first step: an
   * operator above may set it for that step, and is not to be overruled.
   */
  resume(source: ScalarSource, name: string): void {
    if (source instanceof Observable && isHyperparameter(source)) this.#resume(source, name);
  }

  #resume(hyperparameter: Hyperparameter, wanted: string): void {
    // Two models of a pipe may have a dropout_1/rate each: they are told apart by their order.
    let name = wanted;
    for (let count = 2; this.#hyperparameters.has(name); count++) {
      if (this.#hyperparameters.get(name) === hyperparameter) return;
      name = `${wanted}_${count}`;
    }
    this.#hyperparameters.set(name, hyperparameter);
    const { [name]: value, ...others } = this.#saved;
    this.#saved = others;
    if (value !== undefined && value !== hyperparameter.value) hyperparameter.next(value);
  }

  #listen(source: Observable<number>, name: string, range?: ScalarRange): () => number {
    let latest: number | undefined;
    let failure: unknown;
    this.#subscriptions.push(source.subscribe({
      next: (value) => latest = value,
      error: (error) => failure = error,
    }));
    return () => {
      if (failure !== undefined) throw failure;
      if (latest === undefined) {
        throw new RangeError(
          `Cannot use ${name} as its observable has not given a number yet: begin it with ` +
            `startWith, or use hyperparameter`,
        );
      }
      return checkScalar(name, latest, range);
    };
  }
}

function isHyperparameter(source: Observable<number>): source is Hyperparameter {
  return source instanceof BehaviorSubject;
}
