import { Tensor } from "../graph/tensor.ts";

/** Tensors by weights or names: gradients, inputs, outputs, masks. */
type Collection = ReadonlyMap<unknown, Tensor> | Readonly<Record<string, Tensor>>;

/** Collections that begin with one tensor and are remembered: an operator may make ever others. */
const most = 16;

/**
 * Collections of tensors, told apart by what they hold. Tensors are interned, but an operator of the
 * user's makes a new map of gradients, or record of inputs, at each step: stages below find what they
 * have made of the first one, and the step its plan.
 */
export class SameCollections {
  readonly #known = new WeakSet<Collection>();
  readonly #byFirst = new WeakMap<Tensor, { entries: [unknown, Tensor][]; first: Collection }[]>();

  /** The first collection that held the same tensors under the same keys, in the same order. */
  get<Same extends Tensor | Collection>(given: Same): Same {
    return given instanceof Tensor || this.#known.has(given) ? given : this.#first(given) as Same;
  }

  // Apart, as every stage of every step calls `get`: V8 would compile this into each of them.
  #first(given: Collection): Collection {
    const entries = given instanceof Map ? [...given] : Object.entries(given);
    if (entries.length > 0) {
      const all = this.#byFirst.get(entries[0][1]) ?? [];
      const found = all.find((other) =>
        other.entries.length === entries.length &&
        other.entries.every(([key, value], at) =>
          key === entries[at][0] && value === entries[at][1]
        )
      );
      if (found) return found.first;
      this.#byFirst.set(entries[0][1], [{ entries, first: given }, ...all.slice(0, most - 1)]);
    }
    this.#known.add(given);
    return given;
  }
}
