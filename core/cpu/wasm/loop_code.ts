import type { LoopKernel } from "../../graph/loop.ts";
import { emitBody, laneType, type Value } from "./emit_expression.ts";
import { Code, simd, valueType } from "./module.ts";

// Parameters of every kernel: units [start, end), and where the address of the operands' addresses is.
const start = 0, end = 1, operands = 2;

/** How many vectors a sum over rows keeps in registers at once: a cache line. */
const wide = 4;

/** Compiles a fused loop whose first dimension is shared out in `units` equal pieces. */
export function compileLoop(kernel: LoopKernel, units: number): Code {
  return new LoopCompiler(kernel, units).compile();
}

/** One way to run the innermost loop: so many vectors, or single elements. */
interface Step {
  readonly vectors: number;
  readonly lanes: 1 | 4;
}

const vectorStep: Step = { vectors: 1, lanes: 4 };
const wideStep: Step = { vectors: wide, lanes: 4 };
const scalarStep: Step = { vectors: 1, lanes: 1 };

class LoopCompiler {
  readonly #code = new Code(3);
  readonly #shape: readonly number[];
  readonly #outer: number;
  /** Dimension that runs along the lanes. */
  readonly #inner: number;
  /** Address of each load, then each store, at the current index. */
  readonly #pointers: number[] = [];
  /** Position of each `index` instruction at the current index. */
  readonly #positions = new Map<number, number>();
  readonly #strides: (readonly number[])[];

  constructor(private readonly kernel: LoopKernel, private readonly units: number) {
    const { shape, reduced, loads, stores, body } = kernel;
    // Without a dimension of the result there is still one unit of work.
    const pad = shape.length === reduced;
    const extend = (strides: readonly number[]) => pad ? [0, ...strides] : strides;
    this.#shape = pad ? [1, ...shape] : shape;
    this.#outer = this.#shape.length - reduced;
    this.#strides = [...loads, ...stores].map(({ strides }) => extend(strides));
    this.kernel = {
      ...kernel,
      body: body.map((value) =>
        value.kind === "index" ? { ...value, strides: [...extend(value.strides)] } : value
      ),
    };
    this.#inner = this.#chooseInner();
  }

  compile(): Code {
    const code = this.#code;
    if (this.#shape.includes(0) && !this.kernel.reduced) return code;
    this.#strides.forEach((_, place) => {
      const pointer = code.local(valueType.i32);
      code.get(operands).load(0).load(4 * place).set(pointer);
      this.#pointers.push(pointer);
    });
    this.kernel.body.forEach((value, place) => {
      if (value.kind !== "index") return;
      const position = code.local(valueType.i32);
      code.i32(value.offset).set(position);
      this.#positions.set(place, position);
    });
    this.#loop(0);
    return code;
  }

  /** Lanes run along the last dimension, or along the result's last one when that reads in order. */
  #chooseInner(): number {
    const last = this.#shape.length - 1;
    const column = this.#outer - 1;
    if (!this.kernel.reduced || this.#shape[column] === 1) return last;
    const reads = this.#strides.slice(0, this.kernel.loads.length);
    const inOrder = (dimension: number) =>
      reads.filter((strides) => strides[dimension] === 1).length;
    return inOrder(column) > inOrder(last) ? column : last;
  }

  /** Opens the loops over the result's dimensions; the one along the lanes comes last. */
  #loop(dimension: number): void {
    if (dimension === this.#inner) this.#lanes();
    else if (dimension === this.#outer) this.#fold(scalarStep);
    else {
      this.#run(dimension, [scalarStep], () => this.#loop(dimension + 1));
    }
  }

  /** The loop along the lanes: many vectors, then one, then single elements. */
  #lanes(): void {
    const folding = this.kernel.reduced > 0;
    if (folding && this.#inner >= this.#outer) {
      this.#fold(vectorStep);
      return;
    }
    this.#hoist();
    const steps = folding ? [wideStep, vectorStep, scalarStep] : [vectorStep, scalarStep];
    this.#run(this.#inner, steps, (step) => folding ? this.#fold(step) : this.#element(step));
  }

  /**
   * Runs through `dimension` in steps of falling size. The first dimension runs through the
   * units of this thread. Pointers move along, and come back when the loop is nested.
   */
  #run(
    dimension: number,
    steps: readonly Step[],
    body: (step: Step) => void,
  ): void {
    const code = this.#code;
    const counter = code.local(valueType.i32);
    const limit = code.local(valueType.i32);
    const saved = dimension > 0 ? this.#save() : null;
    if (dimension === 0) {
      const elements = this.#shape[0] / this.units;
      code.get(start).i32(elements).raw(0x6c).set(counter);
      code.get(end).i32(elements).raw(0x6c).set(limit);
      this.#moveBy(0, counter);
    } else {
      code.i32(0).set(counter);
      code.i32(this.#shape[dimension]).set(limit);
    }
    for (const step of steps) {
      const size = step.vectors * step.lanes;
      if (size > 1 && dimension > 0 && this.#shape[dimension] < size) continue;
      if (size === 1 && dimension > 0 && steps.length > 1 && this.#shape[dimension] % 4 === 0) {
        continue;
      }
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
    return [...this.#pointers, ...this.#positions.values()].map((pointer) => {
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
    this.#pointers.forEach((pointer, place) =>
      this.#code.increase(pointer, this.#strides[place][dimension] * elements * 4)
    );
    for (const [place, position] of this.#positions) {
      this.#code.increase(position, this.#indexStrides(place)[dimension] * elements);
    }
  }

  /** Moves every pointer along `dimension` by the number of elements in a local. */
  #moveBy(dimension: number, count: number): void {
    const add = (target: number, stride: number) => {
      if (stride === 0) return;
      this.#code.get(target).get(count).i32(stride).raw(0x6c, 0x6a).set(target);
    };
    this.#pointers.forEach((pointer, place) => add(pointer, this.#strides[place][dimension] * 4));
    for (const [place, position] of this.#positions) {
      add(position, this.#indexStrides(place)[dimension]);
    }
  }

  #indexStrides(place: number): readonly number[] {
    const value = this.kernel.body[place];
    return value.kind === "index" ? value.strides : [];
  }

  /** One result without folding: compute, store. */
  #element(step: Step): void {
    const values = this.#body(step, 0);
    this.kernel.stores.forEach((store, place) => {
      this.#store(this.kernel.loads.length + place, values[store.value], step, 0);
    });
  }

  /** One result, or one for each lane, with folding. */
  #fold(step: Step): void {
    const code = this.#code;
    const [store] = this.kernel.stores;
    const type = laneType(store.dtype);
    const along = this.#inner >= this.#outer;
    const sums = Array.from({ length: along ? 1 : step.vectors }, () => this.#neutral(type));
    const rest = along ? this.#neutral(type) : sums[0];
    if (along) this.#hoist();
    const saved = this.#save();
    const add = (inner: Step) => {
      for (let vector = 0; vector < sums.length; vector++) {
        const value = this.#body(inner, vector)[store.value];
        const sum = along && inner.lanes === 1 ? rest : sums[vector];
        this.#combine(sum, value.local, type);
      }
    };
    const nest = (dimension: number) => {
      if (dimension === this.#shape.length) return add(step);
      if (dimension === this.#inner) return this.#run(dimension, [vectorStep, scalarStep], add);
      this.#run(dimension, [scalarStep], () => nest(dimension + 1));
    };
    nest(this.#outer);
    this.#restore(saved);
    const target = this.kernel.loads.length;
    if (along) {
      // Lanes fold in a fixed order, then the rest: the same bits whoever computes them.
      for (const shift of [8, 4]) {
        const other = code.local(valueType.v128);
        const bytes = Array.from({ length: 16 }, (_, byte) => (byte + shift) % 16);
        code.get(sums[0]).get(sums[0]).simd(simd.shuffle, ...bytes).set(other);
        this.#combine(sums[0], other, type);
      }
      this.#combine(sums[0], rest, type);
      this.#store(target, { local: sums[0], type }, scalarStep, 0);
    } else {
      sums.forEach((sum, vector) => this.#store(target, { local: sum, type }, step, vector));
    }
  }

  #neutral(type: string): number {
    const local = this.#code.local(valueType.v128);
    const { reducer } = this.kernel;
    const real = type === "f32";
    const word = reducer === "sum"
      ? 0
      : reducer === "max"
      ? (real ? 0xff800000 : type === "i32" ? 0x80000000 : 0)
      : (real ? 0x7f800000 : type === "i32" ? 0x7fffffff : 0xffffffff);
    this.#code.words([word, word, word, word]).set(local);
    return local;
  }

  #combine(sum: number, value: number, type: string): void {
    const name = this.kernel.reducer === "sum" ? "x + y" : `${this.kernel.reducer}(x, y)`;
    const lanes = type as Value["type"];
    const result = emitBody(this.#code, name, ["x", "y"], [
      { local: sum, type: lanes },
      { local: value, type: lanes },
    ]);
    this.#code.get(result.local).set(sum);
  }

  /** Computes what stays the same along the lanes and the folded dimensions, before their loops. */
  #hoist(): void {
    const varying = this.#shape.map((_, dimension) => dimension)
      .filter((dimension) => dimension === this.#inner || dimension >= this.#outer);
    const fixed = this.kernel.body.map(() => false);
    this.kernel.body.forEach((instruction, place) => {
      if (instruction.kind === "load") {
        const strides = this.#strides[instruction.load];
        fixed[place] = varying.every((dimension) => strides[dimension] === 0);
      } else if (instruction.kind === "apply") {
        fixed[place] = instruction.arguments.every((argument) => fixed[argument]);
      } else fixed[place] = instruction.kind === "literal";
    });
    this.#fixed.clear();
    const values = this.#body(scalarStep, 0, (place) => fixed[place]);
    values.forEach((value, place) => {
      if (fixed[place]) this.#fixed.set(place, value);
    });
  }

  readonly #fixed = new Map<number, Value>();

  /** Computes the body for one vector (or element) and gives all its values. */
  #body(step: Step, vector: number, wanted: (place: number) => boolean = () => true): Value[] {
    const values: Value[] = [];
    this.kernel.body.forEach((instruction, place) => {
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
          values[place] = emitBody(this.#code, source, ["x", "y", "z", "w"], inputs);
        }
      }
    });
    return values;
  }

  #load(load: number, step: Step, vector: number): Value {
    const code = this.#code;
    const local = code.local(valueType.v128);
    const stride = this.#strides[load][this.#inner] * 4;
    const pointer = this.#pointers[load];
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
    const type = laneType(this.kernel.loads[load].dtype);
    if (type === "bool") {
      // In memory true is 1; in lanes it is all ones.
      code.get(local).words([0, 0, 0, 0]).simd(0x38).set(local);
    }
    return { local, type };
  }

  #store(place: number, value: Value, step: Step, vector: number): void {
    const code = this.#code;
    const stride = this.#strides[place][this.#inner] * 4;
    const pointer = this.#pointers[place];
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
    const local = this.#code.local(valueType.v128);
    const word = type === "f32"
      ? new Uint32Array(Float32Array.of(value).buffer)[0]
      : type === "bool"
      ? (value ? 0xffffffff : 0)
      : value;
    this.#code.words([word, word, word, word]).set(local);
    return { local, type };
  }

  #index(place: number, step: Step, vector: number): Value {
    const code = this.#code;
    const instruction = this.kernel.body[place];
    const stride = this.#indexStrides(place)[this.#inner];
    const base = vector * 4 * stride;
    const local = code.local(valueType.v128);
    code.get(this.#positions.get(place)!).simd(simd.splatI32);
    if (step.lanes === 4) {
      code.words([base, base + stride, base + 2 * stride, base + 3 * stride]).simd(0xae);
    }
    if (instruction.dtype === "f32") code.simd(0xfa);
    code.set(local);
    return { local, type: laneType(instruction.dtype) };
  }
}
