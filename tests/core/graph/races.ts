import type { Call, StridedOperand } from "../../../core/graph/call.ts";
import { formatLabel } from "../../../core/graph/label.ts";
import type { Plan } from "../../../core/graph/plan.ts";
import { sizeOf } from "../../../core/graph/shape.ts";
import { boundary } from "../cpu/kernel_world.ts";

/** Elements that one thread's share of a call reads and writes. */
interface Share {
  readonly reads: Set<number>;
  readonly writes: Set<number>;
}

/** Visits the offsets of a strided block, the first dimension from `start` to `end`. */
function walk(
  shape: readonly number[],
  strides: readonly number[],
  [start, end]: readonly [number, number],
  visit: (at: number) => void,
  axis = 0,
  at = 0,
): void {
  if (axis === shape.length) return visit(at);
  const [from, to] = axis === 0 ? [start, end] : [0, shape[axis]];
  for (let index = from; index < to; index++) {
    walk(shape, strides, [start, end], visit, axis + 1, at + index * strides[axis]);
  }
}

/** The places of a plan's elements, in one numbering for the arena and all leaves. */
class Places {
  constructor(private readonly plan: Plan) {}

  at(buffer: number, element: number): number {
    const { leaf, offset } = this.plan.buffers[buffer];
    return leaf === null ? offset / 4 + element : (buffer + 1) * 2 ** 32 + element;
  }

  share(call: Call, thread: number, threads: number): Share {
    const { units, replicated } = call.partition;
    const [from, to] = replicated
      ? [0, units]
      : [boundary(units, thread, threads), boundary(units, thread + 1, threads)];
    const share = { reads: new Set<number>(), writes: new Set<number>() };
    if (from === to) return share;
    if (call.kind === "loop") this.#loop(call, from, to, share);
    else this.#structured(call, from, to, share);
    return share;
  }

  #loop(call: Call & { kind: "loop" }, from: number, to: number, share: Share): void {
    const { shape, loads, stores, reduced } = call.kernel;
    const whole = shape.length === reduced;
    const each = (whole ? 1 : shape[0]) / call.partition.units;
    const range = whole ? [0, shape[0] ?? 1] as const : [from * each, to * each] as const;
    for (const [operands, into] of [[loads, share.reads], [stores, share.writes]] as const) {
      for (const { buffer, offset, strides } of operands) {
        walk(shape, strides, range, (at) => into.add(this.at(buffer, offset + at)));
      }
    }
  }

  #structured(
    call: Call & { kind: "structured" },
    from: number,
    to: number,
    share: Share,
  ): void {
    const { axis } = call.partition;
    const part = (operand: StridedOperand, along: number | null, into: Set<number>) => {
      const { shape, strides, buffer, offset } = operand;
      const at = along === null ? -1 : along;
      const order = [at, ...shape.keys()].filter((place, i) =>
        place >= 0 && (i === 0 || place !== at)
      );
      const range = at < 0 ? [0, shape[0] ?? 1] as const : [from, to] as const;
      walk(
        order.map((place) => shape[place]),
        order.map((place) => strides[place]),
        range,
        (where) => into.add(this.at(buffer, offset + where)),
      );
    };
    const rank = call.output.shape.length;
    if (call.name === "matmul" && axis === "batches") {
      for (const operand of call.operands) this.#batches(operand, from, to, share.reads);
    } else if (call.name !== "matmul") {
      // More than is touched, which is safe to demand of inputs that nobody writes meanwhile.
      for (const operand of call.operands) part(operand, null, share.reads);
    } else {
      part(call.operands[0], axis === "rows" ? rank - 2 : null, share.reads);
      part(call.operands[1], axis === "columns" ? rank - 1 : null, share.reads);
    }
    const each = sizeOf(call.output.shape) / call.partition.units;
    if (axis === "columns") {
      const { shape, buffer, offset } = call.output;
      const rows = call.name === "matmul" ? shape[rank - 2] : shape[0];
      const columns = sizeOf(shape) / rows;
      walk(
        [columns, rows],
        [1, columns],
        [from, to],
        (at) => share.writes.add(this.at(buffer, offset + at)),
      );
    } else {
      walk(
        [sizeOf(call.output.shape)],
        [1],
        [from * each, to * each],
        (at) => share.writes.add(this.at(call.output.buffer, call.output.offset + at)),
      );
    }
  }

  /** The matrices of batches `from` to `to`, counted over all axes but the last two. */
  #batches(operand: StridedOperand, from: number, to: number, into: Set<number>): void {
    const { shape, strides, buffer, offset } = operand;
    const inner = sizeOf(shape.slice(-2));
    let seen = 0;
    walk(shape, strides, [0, shape[0]], (at) => {
      const batch = Math.floor(seen++ / inner);
      if (batch >= from && batch < to) into.add(this.at(buffer, offset + at));
    });
  }
}

/** What threads of a plan do to each other inside a phase; none in a right plan. */
export function findRaces(plan: Plan, threads: number): string[] {
  const places = new Places(plan);
  const races: string[] = [];
  plan.phases.forEach((phase, number) => {
    // Who wrote and who read each element: a thread, or −1 for several.
    const written = new Map<number, { thread: number; call: Call }>();
    const read = new Map<number, number>();
    for (const call of phase) {
      const shares = Array.from({ length: threads }, (_, t) => places.share(call, t, threads));
      const { replicated } = call.partition;
      const complain = (what: string) => {
        races.push(`phase ${number}, ${threads} threads: "${formatLabel(call.label)}" ${what}`);
      };
      shares.forEach((share, thread) => {
        for (const at of share.reads) {
          const writer = written.get(at);
          const own = writer?.call.partition.replicated || writer?.thread === thread;
          if (writer && !own) complain(`reads what thread ${writer.thread} writes`);
        }
        for (const at of share.writes) {
          const writer = written.get(at);
          if (writer && (replicated || writer.call.partition.replicated)) {
            if (writer.call !== call) {
              complain(`writes again what "${formatLabel(writer.call.label)}" writes`);
            }
          } else if (writer && writer.thread !== thread) complain("writes what others write");
          const reader = read.get(at);
          if (reader !== undefined && (replicated || reader !== thread)) {
            complain("writes what others may not have read yet");
          }
          written.set(at, { thread, call });
        }
      });
      shares.forEach((share, thread) => {
        for (const at of share.reads) {
          const writer = written.get(at);
          if (writer?.call === call && writer.thread !== thread && !replicated) {
            complain("reads what another thread of it writes");
          }
          read.set(at, (read.get(at) ?? thread) === thread ? thread : -1);
        }
      });
    }
  });
  return [...new Set(races)];
}
