import { inputLeaf, stateLeaf } from "../../../core/graph/leaf.ts";
import { type Assignment, createProgram, type Program } from "../../../core/graph/program.ts";
import { broadcastShapes, sameShape, type Shape, sizeOf } from "../../../core/graph/shape.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import * as ops from "../../../core/ops/mod.ts";
import type { LeafValues } from "./program_runner.ts";

/** A program made from a seed, and first values of its leaves. */
export interface RandomProgram {
  readonly program: Program;
  readonly values: LeafValues;
}

type Random = () => number;
const below = (random: Random, count: number) => Math.floor(random() * count);
const pick = <Item>(random: Random, items: readonly Item[]) => items[below(random, items.length)];
const sizes = [1, 1, 2, 3, 4, 5, 7, 8, 13];

/** A shape of rank 0 to 3 with sizes that are odd, even and 1. */
export function randomShape(random: Random): number[] {
  return Array.from({ length: below(random, 4) }, () => pick(random, sizes));
}

/** A random part of the axes of `shape`, perhaps none. */
export function randomAxes(random: Random, shape: Shape): number[] {
  return shape.map((_, axis) => axis).filter(() => random() < 0.5);
}

/** Keeps values small, so that errors stay comparable however long the program is. */
const unary: ((x: Tensor) => Tensor)[] = [
  (x) => x.tanh(),
  (x) => x.relu(),
  (x) => x.abs().neg(),
  (x) => x.sigmoid(),
  (x) => x.square().add(0.5).sqrt(),
  (x) => x.mul(0.5).add(1),
  (x) => ops.select(x.greater(0.3101), x.mul(2), ops.sin(x)),
  (x) => x.equal(0.125).cast("f32").add(x),
];

const binary: ((x: Tensor, y: Tensor) => Tensor)[] = [
  (x, y) => x.add(y).mul(0.5),
  (x, y) => x.sub(y).mul(0.5),
  (x, y) => x.mul(y).tanh(),
  (x, y) => x.div(y.square().add(1)),
  (x, y) => x.maximum(y),
  (x, y) => ops.select(ops.less(x, y), x, y.neg()),
];

function fits(a: Shape, b: Shape): boolean {
  try {
    return sizeOf(broadcastShapes("test", [a, b])) <= 512;
  } catch {
    return false;
  }
}

/** One more value computed from earlier ones. */
function grow(random: Random, known: readonly Tensor[]): Tensor | null {
  const x = pick(random, known);
  const axis = below(random, x.rank);
  switch (below(random, 9)) {
    case 0:
    case 1:
      return pick(random, unary)(x);
    case 2:
    case 3: {
      const y = pick(random, known.filter((other) => fits(x.shape, other.shape)));
      return y ? pick(random, binary)(x, y) : null;
    }
    case 4: {
      const axes = randomAxes(random, x.shape);
      const options = { keepDims: random() < 0.5 };
      return pick(random, [ops.mean, ops.max, ops.min])(x, axes, options);
    }
    case 5: {
      const order = x.shape.map((_, place) => ({ place, by: random() }));
      return x.transpose(order.sort((a, b) => a.by - b.by).map(({ place }) => place));
    }
    case 6: {
      const begin = x.shape.map((size) => below(random, size));
      const end = x.shape.map((size, place) =>
        begin[place] + 1 + below(random, size - begin[place])
      );
      return x.slice(begin, end);
    }
    case 7: {
      if (random() < 0.3) return x.reshape([-1]);
      if (random() < 0.5) return ops.broadcastTo(x, [2, ...x.shape]);
      if (x.rank === 0) return null;
      const others = known.filter((other) =>
        other.rank === x.rank &&
        other.shape.every((size, at) => at === axis || size === x.shape[at])
      );
      return ops.concat([x, pick(random, others)], axis);
    }
    default: {
      if (x.rank === 0) return x.exp().tanh();
      if (random() < 0.3) return ops.softmax(x, axis);
      const inner = x.shape[x.rank - 1];
      const other = pick(random, known.filter((y) => y.rank === 2 && y.shape[0] === inner));
      return other && x.rank > 1 ? ops.matmul(x, other).mul(0.25) : null;
    }
  }
}

/**
 * A program of about `length` ops over a few inputs and states, with some values to read and some
 * states to replace. A state neither takes another state as it is nor is read as an output: those
 * have tests of their own.
 */
export function randomProgram(random: Random, length = 12): RandomProgram {
  const values = new Map<Tensor, Float32Array>();
  const fill = (leaf: Tensor) => {
    values.set(leaf, Float32Array.from({ length: leaf.size }, () => random() * 4 - 2));
    return leaf;
  };
  const inputs = Array.from({ length: 3 }, (_, place) => {
    return fill(inputLeaf(`input ${place}`, randomShape(random), "f32"));
  });
  const states = Array.from({ length: 3 }, (_, place) => {
    const shape = random() < 0.5 ? randomShape(random) : pick(random, inputs).shape;
    return fill(stateLeaf(`state ${place}`, shape));
  });
  const known: Tensor[] = [...inputs, ...states];
  for (let turn = 0; turn < length; turn++) {
    const next = grow(random, known);
    if (next && next.size > 0 && next.size <= 512 && next.rank < 5) known.push(next);
  }
  const computed = known.filter(({ operation }) => !["leaf", "view"].includes(operation.kind));
  const assignments = states.flatMap((state): Assignment[] => {
    const candidates = computed.filter((node) => sameShape(node.shape, state.shape));
    return candidates.length > 0 ? [{ state, value: pick(random, candidates) }] : [];
  });
  const outputs = [...computed.slice(-2), ...computed.filter(() => random() < 0.2)];
  return { program: createProgram(outputs, assignments), values };
}
