import { isBound } from "./leaf.ts";
import type { Program } from "./program.ts";
import { eachSource } from "./sources.ts";
import type { Tensor } from "./tensor.ts";

/** Ops of a chain after which a value is kept: the deeper, the more of the call stack they take. */
const deepest = 200;

/** Values of one loop, at most: each takes some 30 locals, of which WebAssembly allows 50,000. */
export const mostValues = 1000;

/**
 * Leaves from which one value is computed, at most: a device binds at least eight buffers to a
 * kernel, of which the arena takes two where some of it is stored in halves, and the state that is
 * replaced takes one.
 */
const mostLeaves = 5;

/** What a loop does for a value. */
interface Work {
  /** Ops one behind the other. */
  readonly depth: number;
  /** Values; those that several ops use count for each, unless that would be too many. */
  readonly values: number;
  /** Leaves that it reads, without scalars, which have a place of their own. */
  readonly leaves: ReadonlySet<Tensor>;
}

const load: Work = { depth: 0, values: 1, leaves: new Set() };

/**
 * Stores what would be too much for one loop: a value of every chain that is too long (of views
 * alone, which take no work but are looked through from each of them, after twice as many), and what
 * is computed from too many leaves or by too many values, as those of a stencil that is applied again
 * and again: each application needs more neighbours than the one before.
 */
export function storeBeyondLimits(
  { order, assignments }: Pick<Program, "order" | "assignments">,
  stored: Set<Tensor>,
): void {
  const states = new Map(assignments.map(({ state, value }) => [value, state]));
  const works = new Map<Tensor, Work>();
  for (const node of order) {
    const { kind } = node.operation;
    let work = loadOf(node);
    if (kind === "elementwise" || kind === "view") {
      work = counted(node, workOf(node, works), stored);
      if (work.values > mostValues || work.leaves.size > mostLeaves) {
        for (const input of node.inputs) works.set(input, storeBase(input, stored));
        work = workOf(node, works);
      }
      const tooDeep = work.depth >= (kind === "view" ? 2 * deepest : deepest);
      if (tooDeep) stored.add(node);
      if (tooDeep || states.has(node)) work = loadOf(states.get(node) ?? node);
    }
    works.set(node, work);
  }
}

function loadOf(node: Tensor): Work {
  const isLeaf = isBound(node) && node.operation.name !== "scalar";
  return isLeaf ? { ...load, leaves: new Set([node]) } : load;
}

function workOf({ inputs }: Tensor, works: ReadonlyMap<Tensor, Work>): Work {
  const [first, ...rest] = inputs.map((input) => works.get(input)!);
  return rest.reduce<Work>((all, part) => ({
    depth: Math.max(all.depth, part.depth + 1),
    values: all.values + part.values,
    leaves: part.leaves.size === 0 ? all.leaves : new Set([...all.leaves, ...part.leaves]),
  }), { ...first, depth: first.depth + 1, values: first.values + 1 });
}

/** The work with shared values counted once, where it may be too much. */
function counted(node: Tensor, work: Work, stored: ReadonlySet<Tensor>): Work {
  if (work.values <= mostValues) return work;
  return { ...work, values: eachSource(node, (other) => stored.has(other), () => {}, mostValues) };
}

/** Stores what a chain of views looks at, and gives the work of reading it. */
function storeBase(node: Tensor, stored: Set<Tensor>): Work {
  while (node.operation.kind === "view") node = node.inputs[0];
  if (node.operation.kind === "elementwise") stored.add(node);
  return loadOf(node);
}
