import type { LoopKernel } from "../../graph/loop.ts";
import { laneType } from "./emit_expression.ts";
import { rowsOfBlock, rowsOfPart } from "./fold_blocks.ts";
import { isLight, type LoopNest, makeNest } from "./loop_nest.ts";
import { LoopValues, scalarStep, type Step } from "./loop_values.ts";
import { Code, simd, valueType } from "./module.ts";

// Parameters of every kernel: units [start, end), and where the address of the operands' addresses is.
const start = 0, end = 1, operands = 2;

/** Vectors that a sum over rows keeps in registers at once, and a light body computes: a cache line. */
const wide = 4;

/** Compiles a fused loop whose first dimension is shared out in `units` equal pieces. */
export function compileLoop(kernel: LoopKernel, units: number): Code {
  return new LoopCompiler(kernel, units).compile();
}

const vectorStep: Step = { vectors: 1, lanes: 4 };
const wideStep: Step = { vectors: wide, lanes: 4 };

class LoopCompiler {
  readonly #code = new Code(3);
  readonly #nest: LoopNest;
  readonly #values: LoopValues;

  constructor(kernel: LoopKernel, private readonly units: number) {
    this.#nest = makeNest(kernel);
    this.#values = new LoopValues(this.#code, this.#nest);
  }

  compile(): Code {
    const code = this.#code;
    if (this.#nest.shape.includes(0) && !this.#nest.kernel.reduced) return code;
    this.#nest.strides.forEach((_, place) => {
      const pointer = code.local(valueType.i32);
      code.get(operands).load(0).load(4 * place).set(pointer);
      this.#values.pointers.push(pointer);
    });
    this.#nest.kernel.body.forEach((value, place) => {
      if (value.kind !== "index") return;
      const position = code.local(valueType.i32);
      code.i32(value.offset).set(position);
      this.#values.positions.set(place, position);
    });
    this.#loop(0);
    return code;
  }

  /** Opens the loops over the result's dimensions; the one along the lanes comes last. */
  #loop(dimension: number): void {
    if (dimension === this.#nest.inner) this.#lanes();
    else if (dimension === this.#nest.outer) this.#fold(scalarStep);
    else {
      this.#run(dimension, [scalarStep], () => this.#loop(dimension + 1));
    }
  }

  /** The loop along the lanes: many vectors, then one, then single elements. */
  #lanes(): void {
    const folding = this.#nest.kernel.reduced > 0;
    if (folding && this.#nest.inner >= this.#nest.outer) {
      this.#fold(vectorStep);
      return;
    }
    this.#values.hoist();
    const steps = folding || isLight(this.#nest)
      ? [wideStep, vectorStep, scalarStep]
      : [vectorStep, scalarStep];
    const rows = rowsOfBlock(this.#nest);
    if (rows > 0) this.#foldBlocks(steps, rows);
    else {
      this.#run(
        this.#nest.inner,
        steps,
        (step) => folding ? this.#fold(step) : this.#element(step),
      );
    }
  }

  /** Folds some rows at a time, for all columns; in between, the sums lie where the results will. */
  #foldBlocks(steps: readonly Step[], rows: number): void {
    const { kernel, inner } = this.#nest;
    const type = laneType(kernel.stores[0].dtype);
    const eachColumn = (body: (step: Step) => void) => {
      const saved = this.#save();
      this.#run(inner, steps, body);
      this.#restore(saved);
    };
    // The loops around it go on from where the first row begins.
    const saved = inner > 0 ? this.#save() : null;
    const neutral = this.#values.neutral(type);
    eachColumn((step) => this.#storeSums(new Array(step.vectors).fill(neutral), step));
    const count = this.#code.local(valueType.i32);
    this.#eachBlock(rows, count, () => eachColumn((step) => this.#fold(step, count)));
    if (saved) this.#restore(saved);
  }

  /** Goes through the first folded dimension `rows` at a time; a local `count` says how many there are. */
  #eachBlock(rows: number, count: number, body: () => void): void {
    const { shape, outer } = this.#nest;
    const code = this.#code;
    const left = code.local(valueType.i32);
    code.i32(shape[outer]).set(left);
    code.while(
      () => code.get(left).i32(0).raw(0x4a),
      () => {
        // The smaller one of the two.
        code.i32(rows).get(left).get(left).i32(rows).raw(0x4a, 0x1b).set(count);
        body();
        this.#move(outer, rows);
        code.increase(left, -rows);
      },
    );
  }

  #storeSums(sums: readonly number[], step: Step): void {
    const { loads, stores: [store] } = this.#nest.kernel;
    const type = laneType(store.dtype);
    sums.forEach((local, vector) =>
      this.#values.store(loads.length, { local, type }, step, vector)
    );
  }

  /**
   * Runs through `dimension` in steps of falling size. The first dimension runs through the
   * units of this thread. Pointers move along, and come back when the loop is nested. A local `count`
   * stands for the dimension's size.
   */
  #run(
    dimension: number,
    steps: readonly Step[],
    body: (step: Step) => void,
    count?: number,
  ): void {
    const code = this.#code;
    const counter = code.local(valueType.i32);
    const limit = code.local(valueType.i32);
    const saved = dimension > 0 ? this.#save() : null;
    if (dimension === 0) {
      const elements = this.#nest.shape[0] / this.units;
      code.get(start).i32(elements).raw(0x6c).set(counter);
      code.get(end).i32(elements).raw(0x6c).set(limit);
      this.#moveBy(0, counter);
    } else {
      code.i32(0).set(counter);
      if (count === undefined) code.i32(this.#nest.shape[dimension]);
      else code.get(count);
      code.set(limit);
    }
    // What the steps so far leave to do; of the first dimension a thread has any part.
    let left = dimension > 0 ? this.#nest.shape[dimension] : Infinity;
    for (const step of steps) {
      const size = step.vectors * step.lanes;
      if (left < size) continue;
      if (dimension > 0) left %= size;
      code.while(
        () => {
          if (size === 1) code.get(counter).get(limit).raw(0x48);
          else code.get(counter).i32(size).raw(0x6a).get(limit).raw(0x4c);
        },
        () => {
          body(step);
          code.increase(counter, size);
          this.#move(dimension, size);
        },
      );
    }
    if (saved) this.#restore(saved);
  }

  #save(): { pointer: number; copy: number }[] {
    return [...this.#values.pointers, ...this.#values.positions.values()].map((pointer) => {
      const copy = this.#code.local(valueType.i32);
      this.#code.get(pointer).set(copy);
      return { pointer, copy };
    });
  }

  #restore(saved: readonly { pointer: number; copy: number }[]): void {
    for (const { pointer, copy } of saved) this.#code.get(copy).set(pointer);
  }

  /** Moves every pointer `elements` further along `dimension`. */
  #move(dimension: number, elements: number): void {
    this.#values.pointers.forEach((pointer, place) =>
      this.#code.increase(pointer, this.#nest.strides[place][dimension] * elements * 4)
    );
    for (const [place, position] of this.#values.positions) {
      this.#code.increase(position, this.#values.indexStrides(place)[dimension] * elements);
    }
  }

  /** Moves every pointer along `dimension` by the number of elements in a local. */
  #moveBy(dimension: number, count: number): void {
    const add = (target: number, stride: number) => {
      if (stride === 0) return;
      this.#code.get(target).get(count).i32(stride).raw(0x6c, 0x6a).set(target);
    };
    this.#values.pointers.forEach((pointer, place) =>
      add(pointer, this.#nest.strides[place][dimension] * 4)
    );
    for (const [place, position] of this.#values.positions) {
      add(position, this.#values.indexStrides(place)[dimension]);
    }
  }

  /** Results without folding: compute, store. */
  #element(step: Step): void {
    const { loads, stores } = this.#nest.kernel;
    for (let vector = 0; vector < step.vectors; vector++) {
      const values = this.#values.body(step, vector);
      stores.forEach((store, place) =>
        this.#values.store(loads.length + place, values[store.value], step, vector)
      );
    }
  }

  /**
   * One result, or one for each lane, with folding. A local `count` stands for the size of the first
   * folded dimension; what is stored already is then gone on with.
   */
  #fold(step: Step, count?: number): void {
    const type = laneType(this.#nest.kernel.stores[0].dtype);
    if (this.#isAlong) this.#values.hoist();
    const saved = this.#save();
    const rows = count === undefined ? rowsOfPart(this.#nest) : 0;
    const folded = rows > 0 ? this.#foldParts(step, rows, type) : this.#foldPart(step, type, count);
    this.#restore(saved);
    if (this.#isAlong) return this.#storeSums([this.#foldLanes(folded, type)], scalarStep);
    const sums = count === undefined ? folded : folded.map((sum, vector) => {
      const all = this.#values.stored(step, vector);
      this.#values.combine(all, sum, type);
      return all;
    });
    this.#storeSums(sums, step);
  }

  /** Whether lanes run along a folded dimension. */
  get #isAlong(): boolean {
    return this.#nest.inner >= this.#nest.outer;
  }

  /** Sums of some rows at a time, and the sums of those: long sums round less so. */
  #foldParts(step: Step, rows: number, type: string): readonly number[] {
    const count = this.#code.local(valueType.i32);
    const vectors = this.#isAlong ? wide + 1 : step.vectors;
    const totals = Array.from({ length: vectors }, () => this.#values.neutral(type));
    this.#eachBlock(rows, count, () => {
      this.#foldPart(step, type, count).forEach((sum, place) =>
        this.#values.combine(totals[place], sum, type)
      );
    });
    return totals;
  }

  /** Sums in registers; along the lanes the last one is of what is left after whole vectors. */
  #foldPart(step: Step, type: string, count?: number): readonly number[] {
    const { shape, inner, outer, kernel: { stores: [store] } } = this.#nest;
    const along = this.#isAlong;
    const sums = Array.from(
      { length: along ? wide + 1 : step.vectors },
      () => this.#values.neutral(type),
    );
    const add = (part: Step) => {
      for (let vector = 0; vector < part.vectors; vector++) {
        const value = this.#values.body(part, vector)[store.value];
        const sum = along && part.lanes === 1 ? sums[wide] : sums[vector];
        this.#values.combine(sum, value.local, type);
      }
    };
    const nest = (dimension: number) => {
      if (dimension === shape.length) return add(step);
      const limit = dimension === outer ? count : undefined;
      if (dimension === inner) {
        return this.#run(dimension, [wideStep, vectorStep, scalarStep], add, limit);
      }
      this.#run(dimension, [scalarStep], () => nest(dimension + 1), limit);
    };
    nest(outer);
    return sums;
  }

  /** Folds vectors and lanes in a fixed order, then the rest: the same bits whoever computes them. */
  #foldLanes([sum, ...others]: readonly number[], type: string): number {
    const code = this.#code;
    for (const other of others.slice(0, -1)) this.#values.combine(sum, other, type);
    for (const shift of [8, 4]) {
      const other = code.local(valueType.v128);
      const bytes = Array.from({ length: 16 }, (_, byte) => (byte + shift) % 16);
      code.get(sum).get(sum).simd(simd.shuffle, ...bytes).set(other);
      this.#values.combine(sum, other, type);
    }
    this.#values.combine(sum, others.at(-1)!, type);
    return sum;
  }
}
