import type { Shape } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

/** Nodes that one kernel computes, and the kernels that it must follow. */
export class Group {
  /** The nodes, in the order in which they are computed. */
  readonly nodes: Tensor[] = [];
  /** How many values they take to compute. */
  values = 0;
  /** What a device must bind for them. */
  readonly buffers = new Set<unknown>();
  readonly #after = new Set<Group>();
  readonly #before = new Set<Group>();
  /** Above that of every group it follows, so that most questions of order need no walk. */
  #level = 0;

  constructor(
    /** Sizes of the loop. */
    readonly shape: Shape,
    /** Only a plain loop takes further nodes. */
    readonly open: boolean,
  ) {}

  /** The groups that come before this one. */
  get after(): ReadonlySet<Group> {
    return this.#after;
  }

  /** Puts the group after another one, which must not depend on it. */
  follow(other: Group): void {
    if (this.#after.has(other)) return;
    this.#after.add(other);
    other.#before.add(this);
    const raised: Group[] = [];
    const raise = (group: Group, level: number) => {
      if (group.#level >= level) return;
      group.#level = level;
      raised.push(group);
    };
    raise(this, other.#level + 1);
    for (let group = raised.pop(); group; group = raised.pop()) {
      for (const next of group.#before) raise(next, group.#level + 1);
    }
  }

  /** Whether the group is `other`, or comes after it. */
  dependsOn(other: Group): boolean {
    if (this === other) return true;
    const seen = new Set<Group>([this]);
    for (const current of seen) {
      for (const before of current.#after) {
        if (before === other) return true;
        if (before.#level > other.#level) seen.add(before);
      }
    }
    return false;
  }
}
