import type { Access } from "./access.ts";
import { copyCall, groupCalls, operandOf } from "./build_calls.ts";
import { chooseStored } from "./fuse.ts";
import { Group } from "./group.ts";
import { isBound } from "./leaf.ts";
import { mostValues } from "./limits.ts";
import type { Memory, Place } from "./loop_builder.ts";
import { bytesPerElement } from "./dtype.ts";
import type { BufferSpec, Call, StridedOperand } from "./call.ts";
import type { Assignment, Program } from "./program.ts";
import type { ScheduledCall } from "./schedule.ts";
import { sameShape, type Shape } from "./shape.ts";
import { eachSource } from "./sources.ts";
import type { Tensor } from "./tensor.ts";

/** A program as kernel calls over buffers, not yet ordered. */
export interface Lowered {
  readonly calls: readonly ScheduledCall[];
  readonly buffers: BufferSpec[];
  readonly scalars: readonly Tensor[];
  readonly outputs: readonly StridedOperand[];
}

/** A device binds at least eight buffers to a kernel; one is the arena. */
const mostLeaves = 7;

/** Bytes from which a value takes the place of one that is not needed any more: caches hold less. */
const large = 1 << 20;

/** Lowers `program` to fused loops and structured calls; loops may write over what they read last. */
export function lower(program: Program, overwrite = false): Lowered {
  return new Lowering(program, overwrite).run();
}

class Lowering {
  readonly #stored: Set<Tensor>;
  /** The state that a value replaces; the first one, if there are several. */
  readonly #stateOf: ReadonlyMap<Tensor, Tensor>;
  readonly #groups: Group[] = [];
  readonly #groupOf = new Map<Tensor, Group>();
  readonly #buffers: BufferSpec[] = [];
  readonly #places = new Map<Tensor, Place>();
  readonly #scalars: Tensor[] = [];
  readonly #sourcesOf = new Map<Tensor, ReadonlyMap<Tensor, boolean>>();
  /** How many values a loop computes or reads for each stored node. */
  readonly #valuesOf = new Map<Tensor, number>();
  readonly #readersOf = new Map<Tensor, Set<Group>>();
  readonly #copies: { source: Tensor; state: Tensor; group: Group }[] = [];

  /** Values that are written over, and those that the host reads. */
  readonly #kept: Set<Tensor>;

  constructor(private readonly program: Program, private readonly overwrite: boolean) {
    this.#stateOf = new Map(
      program.assignments.map(({ state, value }) => [value, state] as const).toReversed(),
    );
    this.#stored = chooseStored(program);
    this.#kept = new Set(program.outputs.map((output) => this.#base(output)));
  }

  run(): Lowered {
    for (const node of this.program.order) {
      if (isBound(node)) this.#bind(node);
      else if (this.#stored.has(node)) this.#assignGroup(node);
    }
    for (const assignment of this.program.assignments) this.#placeAssigned(assignment);
    for (const node of this.program.order) {
      if (this.#stored.has(node) && !this.#places.has(node)) {
        const place = this.overwrite ? this.#overwritten(node) : undefined;
        this.#places.set(node, place ?? this.#buffer(null, node.dtype, node.size));
      }
    }
    return {
      calls: this.#build(),
      buffers: this.#buffers,
      scalars: this.#scalars,
      outputs: this.program.outputs.map((output) => operandOf(output, this.#memory)),
    };
  }

  get #memory(): Memory {
    return {
      isStored: (node) => this.#stored.has(node),
      place: (node) => this.#places.get(node)!,
      buffers: this.#buffers,
    };
  }

  #buffer(leaf: BufferSpec["leaf"], dtype: BufferSpec["dtype"], elements: number): Place {
    this.#buffers.push({ leaf, dtype, elements, offset: 0 });
    return { buffer: this.#buffers.length - 1, offset: 0 };
  }

  #bind(node: Tensor): void {
    if (node.operation.name !== "scalar") {
      this.#places.set(node, this.#buffer(node, node.dtype, node.size));
      return;
    }
    let block = this.#buffers.findIndex(({ leaf }) => leaf === "scalars");
    if (block < 0) block = this.#buffer("scalars", "f32", 0).buffer;
    this.#places.set(node, { buffer: block, offset: this.#scalars.length });
    this.#scalars.push(node);
  }

  /** Every stored node under `node`, and whether it is read at the index it is needed at. */
  #sources(node: Tensor): ReadonlyMap<Tensor, boolean> {
    const known = this.#sourcesOf.get(node);
    if (known) return known;
    const found = new Map<Tensor, boolean>();
    const values = eachSource(node, (inner) => this.#stored.has(inner), (inner, access) => {
      const identity = access !== null && isIdentity(inner.shape, node.shape, access);
      found.set(inner, (found.get(inner) ?? true) && identity);
    });
    this.#sourcesOf.set(node, found);
    this.#valuesOf.set(node, values);
    return found;
  }

  #assignGroup(node: Tensor): void {
    const sources = this.#sources(node);
    const kind = node.operation.kind;
    const open = kind === "elementwise" || kind === "view" || kind === "leaf";
    const home = open ? this.#findGroup(node, sources) : undefined;
    const group = home ?? new Group(node.shape, open);
    if (!home) this.#groups.push(group);
    group.nodes.push(node);
    group.values += this.#valuesOf.get(node)!;
    for (const touched of [node, ...sources.keys()]) group.buffers.add(this.#bufferKey(touched));
    this.#groupOf.set(node, group);
    for (const source of sources.keys()) {
      const readers = this.#readersOf.get(source);
      if (readers) readers.add(group);
      else this.#readersOf.set(source, new Set([group]));
      const from = this.#groupOf.get(source);
      if (from && from !== group) group.follow(from);
    }
  }

  /** A loop of the same shape, over some of the same values, that may compute `node` as well. */
  #findGroup(node: Tensor, sources: ReadonlyMap<Tensor, boolean>): Group | undefined {
    const candidates = new Set<Group>();
    for (const source of sources.keys()) {
      if (!sameShape(source.shape, node.shape)) continue;
      const home = this.#groupOf.get(source);
      if (home) candidates.add(home);
      for (const reader of this.#readersOf.get(source) ?? []) candidates.add(reader);
    }
    return [...candidates].findLast((group) =>
      group.open && sameShape(group.shape, node.shape) && this.#fits(node, sources, group)
    );
  }

  #fits(node: Tensor, sources: ReadonlyMap<Tensor, boolean>, group: Group): boolean {
    const touched = [node, ...sources.keys()].map((source) => this.#bufferKey(source));
    const more = new Set(touched).difference(group.buffers);
    if (group.buffers.size + more.size > mostLeaves) return false;
    if (group.values + this.#valuesOf.get(node)! > mostValues) return false;
    return [...sources].every(([source, identity]) => {
      const from = this.#groupOf.get(source);
      if (from === group) return identity;
      return !from?.dependsOn(group);
    });
  }

  /** What a device must bind for `node`: the arena is one thing, every leaf another. */
  #bufferKey(node: Tensor): unknown {
    const assigned = this.#stateOf.get(node);
    if (assigned) return assigned;
    if (!isBound(node)) return "arena";
    return node.operation.name === "scalar" ? "scalars" : node;
  }

  /** Lets the kernel that computes a state's next value write it in place, if nobody reads after. */
  #placeAssigned({ state, value }: Assignment): void {
    const home = this.#groupOf.get(value);
    const copies = this.#copies.filter(({ source }) => source === state);
    const readers = [...this.#readersOf.get(state) ?? [], ...copies.map(({ group }) => group)]
      .filter((group) => group !== home);
    const inPlace = home && home.open && !this.#places.has(value) &&
      readers.every((reader) => !reader.dependsOn(home)) &&
      home.nodes.every((node) => this.#sources(node).get(state) !== false);
    if (!this.#places.has(state)) this.#bind(state);
    if (inPlace) {
      this.#places.set(value, this.#places.get(state)!);
      for (const reader of readers) home.follow(reader);
      return;
    }
    const group = new Group(state.shape, false);
    for (const before of home ? [...readers, home] : readers) group.follow(before);
    this.#groups.push(group);
    this.#copies.push({ source: value, state, group });
  }

  /** The place of a large value of the same size that only this node's loop reads, index by index. */
  #overwritten(node: Tensor): Place | undefined {
    const home = this.#groupOf.get(node)!;
    if (!home.open || node.size * bytesPerElement(node.dtype) < large) return undefined;
    for (const [source, identity] of this.#sources(node)) {
      const place = this.#places.get(source);
      const free = identity && place && this.#buffers[place.buffer].leaf === null &&
        !this.#kept.has(source) && source.dtype === node.dtype &&
        this.#groupOf.get(source) !== home && this.#readersOf.get(source)!.size === 1 &&
        !this.#copies.some((copy) => copy.source === source) &&
        home.nodes.every((other) => this.#sources(other).get(source) !== false);
      if (!free) continue;
      this.#kept.add(source);
      return place;
    }
  }

  /** The stored node that a node is, or is a view of. */
  #base(node: Tensor): Tensor {
    while (!this.#stored.has(node)) node = node.inputs[0];
    return node;
  }

  #build(): ScheduledCall[] {
    const memory = this.#memory;
    const scheduled = new Map<Group, { call: Call; after: Set<ScheduledCall> }[]>();
    for (const group of this.#groups) {
      const copy = this.#copies.find((entry) => entry.group === group);
      const calls = copy
        ? [copyCall(copy.source, copy.state, memory)]
        : groupCalls(group.nodes, group.shape, memory);
      scheduled.set(group, calls.map((call) => ({ call, after: new Set<ScheduledCall>() })));
    }
    for (const [group, calls] of scheduled) {
      for (const before of group.after) {
        for (const call of calls) for (const other of scheduled.get(before)!) call.after.add(other);
      }
    }
    return [...scheduled.values()].flat();
  }
}

/** Whether every element is read at the same place in memory: axes of size 1 do not count. */
function isIdentity(inner: Shape, outer: Shape, { dimensions, offsets }: Access): boolean {
  const real = outer.flatMap((size, axis) => size === 1 ? [] : [axis]);
  const read = inner.flatMap((size, axis) => size === 1 ? [] : [axis]);
  return real.length === read.length &&
    read.every((axis, place) =>
      dimensions[axis] === real[place] && inner[axis] === outer[real[place]] && offsets[axis] === 0
    );
}
