import { DataError } from "../graph/errors.ts";
import type { Snapshot } from "./epoch.ts";
import type { KeptState } from "./kept_state.ts";
import { decodeState, encodeState } from "./state_text.ts";
import type { SavedRun, SavedTensor } from "./saved_run.ts";
import { WeightSnapshot } from "./weight_snapshot.ts";
import type { WeightTable } from "./weight_table.ts";

/** Under which a file names the states of operators that met the run after its first step. */
const lateNames = "met late";

/** The states of a run's operators on the host, and those that a resumed run has found in its file. */
export class RunStates {
  readonly #kept = new Map<string, KeptState>();
  readonly #unclaimed: Map<string, string>;
  /** States of branches that were subscribed when steps had gone down: nobody may ask for them again. */
  readonly #late: Set<string>;
  #begun = false;

  /** @param table Weights and device states. @param saved The run that goes on, if one does. */
  constructor(private readonly table: WeightTable, saved?: SavedRun) {
    this.#unclaimed = new Map(saved?.states);
    this.#late = new Set(JSON.parse(this.#unclaimed.get(lateNames) ?? "[]"));
    this.#unclaimed.delete(lateNames);
  }

  /** Makes a state a part of checkpoints; gives it a name of its own: `sgd`, `sgd_2`. */
  keep(kind: string, state: KeptState): string {
    let name = kind;
    for (let count = 2; this.#kept.has(name); count++) name = `${kind}_${count}`;
    this.#kept.set(name, state);
    if (this.#begun) this.#late.add(name);
    else this.#late.delete(name);
    const text = this.#unclaimed.get(name);
    if (text !== undefined) {
      this.#unclaimed.delete(name);
      state.restore(decodeState(text, (place) => this.#snapshot(`${name}/${place}`)));
    }
    return name;
  }

  /**
   * To be called once all operators have met the run but those of branches that come late.
   *
   * @throws {DataError} when the file holds a state that none of them has.
   */
  checkClaimed(): void {
    this.#begun = true;
    const first = [...this.#unclaimed.keys()].find((name) => !this.#late.has(name));
    if (first === undefined) return;
    throw new DataError(
      `Cannot resume as the pipe must be the one that was saved: the file has a state of ` +
        `"${first}", the pipe has ${[...this.#kept.keys()].join(", ") || "none"}`,
    );
  }

  /** The states as texts, and copies of weights as tensors whose reading has begun. */
  capture(): { states: Map<string, string>; tensors: Map<string, Promise<SavedTensor>> } {
    const states = new Map<string, string>();
    const tensors = new Map<string, Promise<SavedTensor>>();
    const late = [...this.#late].filter((name) => this.#kept.has(name));
    if (late.length > 0) states.set(lateNames, JSON.stringify(late));
    for (const [name, state] of this.#kept) {
      const { text, snapshots } = encodeState(state.save(), isSnapshot);
      states.set(name, text);
      snapshots.forEach((snapshot, place) => {
        for (const [weight, tensor] of (snapshot as WeightSnapshot).read()) {
          tensors.set(`${name}/${place}/${weight}`, tensor);
        }
      });
    }
    return { states, tensors };
  }

  /** The present text of one state. */
  text(name: string): string {
    return encodeState(this.#kept.get(name)!.save(), isSnapshot).text;
  }

  #snapshot(prefix: string): Snapshot {
    return this.table.snapshotOf((weight) => this.table.claim(`${prefix}/${weight}`)?.data);
  }
}

function isSnapshot(value: unknown): value is Snapshot {
  return value instanceof WeightSnapshot;
}
