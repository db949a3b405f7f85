import { type Access, accessInput, resolveView } from "./access.ts";
import type { BufferSpec } from "./call.ts";
import type { Instruction, LoopKernel, LoopOperand, LoopStore } from "./loop.ts";
import type { ReferenceArray } from "./operation.ts";
import { contiguousStrides, type Shape } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

/** Where a stored node lives: a buffer of the plan and the first element in it. */
export interface Place {
  /** Buffer's number in the plan. */
  readonly buffer: number;
  /** First element. */
  readonly offset: number;
}

/** Which nodes have memory, and where. */
export interface Memory {
  /** True for a node with memory. */
  isStored(node: Tensor): boolean;
  /** Where a stored node lives. */
  place(node: Tensor): Place;
  /** The plan's buffers. */
  readonly buffers: readonly BufferSpec[];
}

/** Access of every index as it is. */
export function identityAccess(rank: number): Access {
  return {
    dimensions: Array.from({ length: rank }, (_, axis) => axis),
    offsets: new Array(rank).fill(0),
  };
}

/** Builds the body of one loop from the nodes that are computed in it. */
export class LoopBuilder {
  readonly #loads: LoopOperand[] = [];
  readonly #body: Instruction[] = [];
  readonly #stores: LoopStore[] = [];
  readonly #known = new Map<string, number>();
  readonly #isStored = (node: Tensor): boolean => this.memory.isStored(node);

  /**
   * @param shape Loop dimensions: the result's, then those folded.
   * @param memory Which nodes have memory, and where.
   */
  constructor(
    private readonly shape: Shape,
    private readonly memory: Pick<Memory, "isStored" | "place">,
  ) {}

  /** Computes `node` at the loop's own index, even if it is stored, and remembers it as its value. */
  compute(node: Tensor): number {
    const access = identityAccess(node.rank);
    const value = this.#compute(node, access);
    this.#known.set(accessKey(node, access), value);
    return value;
  }

  /** The value of `node` read through `access`: known, loaded, or computed here. */
  value(node: Tensor, access: Access): number {
    const key = accessKey(node, access);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    // Down through views first: what they look at may be a value of this very loop, which is not
    // in memory yet.
    const view = node.operation.kind === "view" && !this.#isStored(node);
    const inner = view ? accessInput(node, access) : null;
    const value = inner
      ? this.value(node.inputs[0], inner)
      : this.#load(node, access) ?? this.#compute(node, access);
    this.#known.set(key, value);
    return value;
  }

  /** Writes a value to `place`, with `strides` along the loop's dimensions. */
  store(value: number, place: Place, strides: readonly number[]): void {
    const { dtype } = this.#body[value];
    this.#stores.push({ ...place, strides: [...strides], value, dtype });
  }

  /** The finished kernel, before its dimensions are merged. */
  finish(reduced = 0, reducer: LoopKernel["reducer"] = null): LoopKernel {
    return {
      shape: this.shape,
      reduced,
      reducer,
      loads: this.#loads,
      body: this.#body,
      stores: this.#stores,
    };
  }

  #load(node: Tensor, access: Access, isStored = this.#isStored): number | null {
    const view = resolveView(node, isStored);
    if (!view) return null;
    const place = this.memory.place(view.base);
    const strides = this.#walk(access, view.strides);
    const shift = access.offsets.reduce((sum, by, axis) => sum + by * view.strides[axis], 0);
    const operand: LoopOperand = {
      buffer: place.buffer,
      offset: place.offset + view.offset + shift,
      strides,
      dtype: node.dtype,
    };
    const same = this.#loads.findIndex((load) =>
      load.buffer === operand.buffer && load.offset === operand.offset &&
      load.strides.every((stride, axis) => stride === strides[axis])
    );
    if (same >= 0) {
      const found = this.#body.findIndex((value) => value.kind === "load" && value.load === same);
      if (found >= 0) return found;
    }
    this.#loads.push(operand);
    return this.#push({ kind: "load", load: this.#loads.length - 1, dtype: node.dtype });
  }

  #walk(access: Access, strides: readonly number[]): number[] {
    const result = this.shape.map(() => 0);
    access.dimensions.forEach((dimension, axis) => {
      if (dimension >= 0) result[dimension] += strides[axis];
    });
    return result;
  }

  #compute(node: Tensor, access: Access): number {
    const { operation, dtype } = node;
    if (operation.kind === "view") {
      const inner = accessInput(node, access);
      if (inner) return this.value(node.inputs[0], inner);
      // A stored view is copied from what it is a view of, not from itself.
      const loaded = this.#load(node, access, (other) => other !== node && this.#isStored(other));
      if (loaded !== null) return loaded;
    }
    if (operation.kind === "leaf" && operation.name === "literal") {
      return this.#push({ kind: "literal", value: node.attributes.value as number, dtype });
    }
    if (operation.kind === "leaf" && operation.name === "iota") {
      const axis = node.attributes.axis as number;
      const dimension = access.dimensions[axis];
      const strides = this.shape.map((_, place) => place === dimension ? 1 : 0);
      return this.#push({ kind: "index", strides, offset: access.offsets[axis], dtype });
    }
    if (operation.kind !== "elementwise") {
      const loaded = this.#load(node, access);
      if (loaded !== null) return loaded;
      throw new Error(`Cannot compute ${node.describe()} inside a loop`);
    }
    const inputs = node.inputs.map((input) => this.value(input, access));
    return this.#simplify(node, inputs) ??
      this.#push({ kind: "apply", operation, arguments: inputs, dtype });
  }

  /** Folds literals, and drops products with 1 and sums with 0. */
  #simplify(node: Tensor, inputs: readonly number[]): number | null {
    const { operation, dtype } = node;
    if (operation.kind !== "elementwise") return null;
    const literals = inputs.map((input) => {
      const value = this.#body[input];
      return value.kind === "literal" ? value : null;
    });
    if (literals.every((value) => value !== null)) {
      const arrays = literals.map((value): ReferenceArray => ({
        shape: [],
        dtype: value.dtype,
        data: Float64Array.of(value.value),
      }));
      const output: ReferenceArray = { shape: [], dtype, data: new Float64Array(1) };
      operation.reference(arrays, {}, output);
      return this.#push({ kind: "literal", value: output.data[0], dtype });
    }
    if (inputs.length !== 2) return null;
    const neutral = operation.name === "mul" ? 1 : operation.name === "add" ? 0 : null;
    if (neutral === null) return null;
    if (literals[1]?.value === neutral) return inputs[0];
    if (literals[0]?.value === neutral) return inputs[1];
    return null;
  }

  #push(instruction: Instruction): number {
    if (instruction.kind === "literal") {
      const same = this.#body.findIndex((value) =>
        value.kind === "literal" && value.dtype === instruction.dtype &&
        Object.is(value.value, instruction.value)
      );
      if (same >= 0) return same;
    }
    this.#body.push(instruction);
    return this.#body.length - 1;
  }
}

/** Axes of size 1 have one index, however they are reached. */
function accessKey(node: Tensor, { dimensions, offsets }: Access): string {
  const axes = node.shape.map((size, axis) =>
    size === 1 ? "" : `${dimensions[axis]}+${offsets[axis]}`
  );
  return `${node.key}@${axes}`;
}

/** Strides of a result of `shape` along a loop's dimensions, the folded ones 0. */
export function storeStrides(shape: Shape, rank: number): number[] {
  return [...contiguousStrides(shape), ...new Array<number>(rank - shape.length).fill(0)];
}
