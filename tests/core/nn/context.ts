import { evaluateReference } from "../../../core/cpu/reference.ts";
import type { DType } from "../../../core/graph/dtype.ts";
import { inputLeaf, scalarLeaf } from "../../../core/graph/leaf.ts";
import type { ReferenceArray } from "../../../core/graph/operation.ts";
import type { Shape } from "../../../core/graph/shape.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import {
  type ApplyContext,
  checkScalar,
  type Mask,
  namedKey,
  type ScalarRange,
  type ScalarSource,
  type UpdateContext,
} from "../../../core/nn/mod.ts";
import { tensor } from "../../../core/ops/mod.ts";

/** A run's scalars and keys, as the streams give them, for the float64 reference. */
export class TestContext implements ApplyContext, UpdateContext {
  readonly trainable = true;
  readonly counter: Tensor = scalarLeaf("step", "u32");
  /** Names asked for, in order, without repeats. */
  readonly names: string[] = [];
  readonly #leaves = new Map<string, Tensor>();
  readonly #readers = new Map<Tensor, (step: number) => number>();

  /** Which steps of the inputs count. */
  masks: readonly Mask[] = [];

  constructor(readonly training = true, readonly seed = 42) {
    this.#readers.set(this.counter, (step) => step);
  }

  scalar(source: ScalarSource, name: string, range?: ScalarRange): Tensor {
    return this.#leaf(name, "f32", (step) => checkScalar(name, read(source, step), range));
  }

  iterationScalar(name: string, value: (iteration: number) => number): Tensor {
    return this.#leaf(name, "f32", (step) => value(step + 1));
  }

  randomKey(name: string): { key0: Tensor; key1: Tensor } {
    const key = namedKey(this.seed, name);
    return {
      key0: this.#leaf(`${name}#0`, "u32", () => key.key0),
      key1: this.#leaf(`${name}#1`, "u32", () => key.key1),
    };
  }

  /** Values of all scalars at a step, counted from 0. */
  bindings(step = 0): Map<Tensor, ReferenceArray> {
    return new Map(
      [...this.#readers].map(([leaf, reader]) => [leaf, array([], [reader(step)], leaf.dtype)]),
    );
  }

  /** What layers have assigned, by name. */
  readonly assigned = new Map<string, Tensor>();
  /** What layers have added to the loss. */
  readonly losses: Tensor[] = [];

  assign(name: string, value: Tensor): void {
    if (this.training) this.assigned.set(name, value);
  }

  addLoss(penalty: Tensor): void {
    this.losses.push(penalty);
  }

  #leaf(name: string, dtype: "f32" | "u32", reader: (step: number) => number): Tensor {
    const known = this.#leaves.get(name);
    if (known) return known;
    const leaf = scalarLeaf(name, dtype);
    this.names.push(name);
    this.#leaves.set(name, leaf);
    this.#readers.set(leaf, reader);
    return leaf;
  }
}

function read(source: ScalarSource, step: number): number {
  if (typeof source === "number") return source;
  if (typeof source === "object" && "value" in source) return source.value;
  if (typeof source === "function") return source(step);
  let latest = NaN;
  source.subscribe((value) => latest = value).unsubscribe();
  return latest;
}

/** Values for the reference executor. */
export function array(
  shape: Shape,
  data: ArrayLike<number>,
  dtype: DType = "f32",
): ReferenceArray {
  return { shape, dtype, data: Float64Array.from(data) };
}

/** A leaf, and the float64 values bound to it: no rounding to float32 as with `tensor`. */
export function bound(
  bindings: Map<Tensor, ReferenceArray>,
  shape: Shape,
  data: ArrayLike<number>,
  dtype: DType = "f32",
): Tensor {
  const leaf = inputLeaf("given", shape, dtype);
  bindings.set(leaf, array(shape, data, dtype));
  return leaf;
}

/** The float64 elements of a tensor. */
export function valuesOf(
  output: Tensor,
  bindings: ReadonlyMap<Tensor, ReferenceArray> = new Map(),
): number[] {
  return [...evaluateReference([output], bindings)[0].data];
}

/** A context of training whose keys and step are constants, so that any device evaluates them. */
export function constantContext(): TestContext {
  const word = (value: number) => tensor(value, { dtype: "u32" });
  return Object.assign(Object.create(new TestContext()), {
    training: true,
    counter: word(3),
    randomKey: (name: string) => {
      const { key0, key1 } = namedKey(42, name);
      return { key0: word(key0), key1: word(key1) };
    },
  });
}
