import { emitBody, laneType, type Value } from "./emit_expression.ts";
import type { LoopNest } from "./loop_nest.ts";
import { type Code, simd, valueType } from "./module.ts";

/** One way to run the innermost loop: so many vectors, or single elements. */
export interface Step {
  /** Vectors at once. */
  readonly vectors: number;
  /** Elements in each. */
  readonly lanes: 1 | 4;
}

/** A single element. */
export const scalarStep: Step = { vectors: 1, lanes: 1 };

/** Emits the values of a loop's body: loads, literals, positions, ops, and what is stored. */
export class LoopValues {
  /** Address of each load, then each store, at the current index. */
  readonly pointers: number[] = [];
  /** Position of each `index` instruction at the current index. */
  readonly positions: Map<number, number> = new Map();

  /** @param code Where instructions go. @param nest The loops around. */
  constructor(private readonly code: Code, private readonly nest: LoopNest) {}

  /** Strides of the `index` instruction at `place` of the body. */
  indexStrides(place: number): readonly number[] {
    const value = this.nest.kernel.body[place];
    return value.kind === "index" ? value.strides : [];
  }

  /** A new sum that holds nothing yet: 0, or the smallest or largest number. */
  neutral(type: string): number {
    const local = this.code.local(valueType.v128);
    const { reducer } = this.nest.kernel;
    const real = type === "f32";
    const word = reducer === "sum"
      ? 0
      : reducer === "max"
      ? (real ? 0xff800000 : type === "i32" ? 0x80000000 : 0)
      : (real ? 0x7f800000 : type === "i32" ? 0x7fffffff : 0xffffffff);
    this.code.words([word, word, word, word]).set(local);
    return local;
  }

  /** What lies where the first result is stored, in a new local; not of booleans. */
  stored(step: Step, vector: number): number {
    const local = this.code.local(valueType.v128);
    const load = step.lanes === 4 ? simd.load : simd.load32Zero;
    this.code.get(this.pointers[this.nest.kernel.loads.length]).memory(load, 16 * vector);
    this.code.set(local);
    return local;
  }

  /** Folds a value into a sum. */
  combine(sum: number, value: number, type: string): void {
    const name = this.nest.kernel.reducer === "sum" ? "x + y" : `${this.nest.kernel.reducer}(x, y)`;
    const lanes = type as Value["type"];
    const result = emitBody(this.code, name, ["x", "y"], [
      { local: sum, type: lanes },
      { local: value, type: lanes },
    ]);
    this.code.get(result.local).set(sum);
  }

  /** Computes what stays the same along the lanes and the folded dimensions, before their loops. */
  hoist(): void {
    const varying = this.nest.shape.map((_, dimension) => dimension)
      .filter((dimension) => dimension === this.nest.inner || dimension >= this.nest.outer);
    const fixed = this.nest.kernel.body.map(() => false);
    this.nest.kernel.body.forEach((instruction, place) => {
      if (instruction.kind === "load") {
        const strides = this.nest.strides[instruction.load];
        fixed[place] = varying.every((dimension) => strides[dimension] === 0);
      } else if (instruction.kind === "apply") {
        fixed[place] = instruction.arguments.every((argument) => fixed[argument]);
      } else fixed[place] = instruction.kind === "literal";
    });
    this.#fixed.clear();
    const values = this.body(scalarStep, 0, (place) => fixed[place]);
    values.forEach((value, place) => {
      if (fixed[place]) this.#fixed.set(place, value);
    });
  }

  readonly #fixed = new Map<number, Value>();

  /** Computes the body for one vector (or element) and gives all its values. */
  body(step: Step, vector: number, wanted: (place: number) => boolean = () => true): Value[] {
    const values: Value[] = [];
    this.nest.kernel.body.forEach((instruction, place) => {
      const known = this.#fixed.get(place);
      if (known) {
        values[place] = known;
        return;
      }
      if (!wanted(place)) return;
      switch (instruction.kind) {
        case "load":
          values[place] = this.#load(instruction.load, step, vector);
          break;
        case "literal":
          values[place] = this.#literal(instruction.value, laneType(instruction.dtype));
          break;
        case "index":
          values[place] = this.#index(place, step, vector);
          break;
        case "apply": {
          const inputs = instruction.arguments.map((argument) => values[argument]);
          const dtypes = inputs.map(({ type }) => type);
          const source = instruction.operation.body(dtypes, instruction.dtype);
          values[place] = emitBody(this.code, source, ["x", "y", "z", "w"], inputs);
        }
      }
    });
    return values;
  }

  #load(load: number, step: Step, vector: number): Value {
    const code = this.code;
    const local = code.local(valueType.v128);
    const stride = this.nest.strides[load][this.nest.inner] * 4;
    const pointer = this.pointers[load];
    const shift = vector * 4 * stride;
    if (stride === 0) code.get(pointer).memory(simd.load32Splat, 0);
    else if (step.lanes === 1) code.get(pointer).memory(simd.load32Zero, shift);
    else if (stride === 4) code.get(pointer).memory(simd.load, shift);
    else {
      code.get(pointer).memory(simd.load32Zero, shift).set(local);
      for (let lane = 1; lane < 4; lane++) {
        code.get(pointer).get(local).memory(simd.load32Lane, shift + lane * stride, lane).set(
          local,
        );
      }
      code.get(local);
    }
    code.set(local);
    const type = laneType(this.nest.kernel.loads[load].dtype);
    if (type === "bool") {
      // In memory true is 1; in lanes it is all ones.
      code.get(local).words([0, 0, 0, 0]).simd(0x38).set(local);
    }
    return { local, type };
  }

  /** Writes a value to the operand at `place`. */
  store(place: number, value: Value, step: Step, vector: number): void {
    const code = this.code;
    const stride = this.nest.strides[place][this.nest.inner] * 4;
    const pointer = this.pointers[place];
    const shift = vector * 4 * stride;
    let local = value.local;
    if (value.type === "bool") {
      local = code.local(valueType.v128);
      code.get(value.local).words([1, 1, 1, 1]).simd(0x4e).set(local);
    }
    if (step.lanes === 4 && stride === 4) {
      code.get(pointer).get(local).memory(simd.store, shift);
      return;
    }
    for (let lane = 0; lane < step.lanes; lane++) {
      code.get(pointer).get(local).memory(simd.store32Lane, shift + lane * stride, lane);
    }
  }

  #literal(value: number, type: Value["type"]): Value {
    const local = this.code.local(valueType.v128);
    const word = type === "f32"
      ? new Uint32Array(Float32Array.of(value).buffer)[0]
      : type === "bool"
      ? (value ? 0xffffffff : 0)
      : value;
    this.code.words([word, word, word, word]).set(local);
    return { local, type };
  }

  #index(place: number, step: Step, vector: number): Value {
    const code = this.code;
    const instruction = this.nest.kernel.body[place];
    const stride = this.indexStrides(place)[this.nest.inner];
    const base = vector * 4 * stride;
    const local = code.local(valueType.v128);
    code.get(this.positions.get(place)!).simd(simd.splatI32);
    if (step.lanes === 4) {
      code.words([base, base + stride, base + 2 * stride, base + 3 * stride]).simd(0xae);
    }
    if (instruction.dtype === "f32") code.simd(0xfa);
    code.set(local);
    return { local, type: laneType(instruction.dtype) };
  }
}
