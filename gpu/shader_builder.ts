import type { DType } from "../core/graph/dtype.ts";
import type { BufferSpec } from "../core/graph/call.ts";
import { memoryOf } from "./call.ts";

/** WGSL's name of a type in registers. */
export function registerType(dtype: DType): "f32" | "i32" | "u32" | "bool" {
  return dtype === "u8" ? "u32" : dtype;
}

/** A finished shader and what must be bound to it. */
export interface ShaderModule {
  /** The shader's text; equal work has equal text, wherever its operands lie. */
  readonly wgsl: string;
  /** Memories to bind, by binding number. */
  readonly memories: readonly { readonly memory: number; readonly writable: boolean }[];
  /** Values of the shader's `places`: where operands begin. */
  readonly places: readonly number[];
}

/** Collects the parts of one shader: what it binds, its functions, its shared memory. */
export class ShaderBuilder {
  readonly #memories = new Map<number, { name: string; writable: boolean }>();
  readonly #places: number[] = [];
  readonly #declarations = new Map<string, string>();
  readonly #scalarCount: { vectors: number } = { vectors: 0 };
  #unique = 0;

  /** @param buffers The plan's buffers. */
  constructor(private readonly buffers: readonly BufferSpec[]) {}

  /** A number that no other part of the shader has. */
  unique(): number {
    return this.#unique++;
  }

  /** Declares a function, a variable or a constant once; the same name stands for the same text. */
  declare(name: string, text: string): void {
    this.#declarations.set(name, text);
  }

  /** The name of a memory in the shader, to be read or written. */
  memory(memory: number, writable: boolean): string {
    const known = this.#memories.get(memory);
    if (known) {
      known.writable ||= writable;
      return known.name;
    }
    const name = `memory${this.#memories.size}`;
    this.#memories.set(memory, { name, writable });
    return name;
  }

  /** An expression for a number that may differ between equal shaders. */
  place(value: number): string {
    const index = this.#places.length;
    this.#places.push(value);
    return `places[${index >> 2}].${"xyzw"[index & 3]}`;
  }

  /** An expression for the first element of an operand in its memory. */
  start(operand: { readonly buffer: number; readonly offset: number }): string {
    const { leaf, offset } = this.buffers[operand.buffer];
    return this.place((leaf === null ? offset / 4 : 0) + operand.offset);
  }

  /** The bits of a word of the step's scalar block. */
  scalarWord(index: number): string {
    this.#scalarCount.vectors = Math.max(this.#scalarCount.vectors, (index >> 2) + 1);
    return `scalars[${index >> 2}].${"xyzw"[index & 3]}`;
  }

  /** True when `buffer` is the step's scalar block. */
  isScalar(buffer: number): boolean {
    return this.buffers[buffer].leaf === "scalars";
  }

  /** An expression for the element at `index` of a buffer's memory. */
  load(buffer: number, dtype: DType, index: string): string {
    const name = this.memory(memoryOf(this.buffers, buffer), false);
    if (this.buffers[buffer].dtype === "u8") {
      return `((${name}[(${index}) >> 2u] >> (((${index}) & 3u) << 3u)) & 255u)`;
    }
    return fromBits(`${name}[${index}]`, dtype);
  }

  /** The 32 bits at word `index` of a buffer's memory. */
  loadWord(buffer: number, index: string): string {
    return `${this.memory(memoryOf(this.buffers, buffer), false)}[${index}]`;
  }

  /** A statement that stores `value` at `index` of a buffer's memory. */
  store(buffer: number, dtype: DType, index: string, value: string): string {
    const name = this.memory(memoryOf(this.buffers, buffer), true);
    return `${name}[${index}] = ${toBits(value, dtype)};`;
  }

  /** Declares memory that a workgroup shares, and gives its name. */
  shared(type: string, length: number): string {
    const name = `shared${this.unique()}`;
    this.declare(name, `var<workgroup> ${name}: array<${type}, ${length}>;`);
    return name;
  }

  /** The finished shader; `entry` are the statements of its main function. */
  build(entry: string, lanes: number): ShaderModule {
    const memories = [...this.#memories].map(([memory, { writable }]) => ({ memory, writable }));
    const lines: string[] = [];
    if (this.#scalarCount.vectors > 0) {
      lines.push(
        `@group(0) @binding(0) var<uniform> scalars: array<vec4<u32>, ${this.#scalarCount.vectors}>;`,
      );
    }
    const vectors = Math.ceil(this.#places.length / 4);
    if (vectors > 0) {
      lines.push(`@group(1) @binding(0) var<uniform> places: array<vec4<u32>, ${vectors}>;`);
    }
    let binding = 1;
    for (const { name, writable } of this.#memories.values()) {
      const access = writable ? "read_write" : "read";
      lines.push(`@group(1) @binding(${binding++}) var<storage, ${access}> ${name}: array<u32>;`);
    }
    lines.push(...this.#declarations.values());
    lines.push(
      `@compute @workgroup_size(${lanes})\n` +
        "fn main(\n" +
        "  @builtin(workgroup_id) workgroup: vec3<u32>,\n" +
        "  @builtin(local_invocation_index) lane: u32,\n" +
        `) {\n${indent(entry)}\n}`,
    );
    return { wgsl: lines.join("\n") + "\n", memories, places: this.#places };
  }
}

/** An expression for `value` times a constant. */
export function times(value: string, factor: number): string {
  return factor === 1 ? value : factor === 0 ? "0u" : `${value} * ${factor}u`;
}

/** `text` moved in by one level. */
export function indent(text: string): string {
  return text.replaceAll(/^(?=.)/gm, "  ");
}

/** A value of `dtype` from the 32 bits that memory holds. */
export function fromBits(bits: string, dtype: DType): string {
  switch (dtype) {
    case "f32":
      return `bitcast<f32>(${bits})`;
    case "i32":
      return `bitcast<i32>(${bits})`;
    case "bool":
      return `(${bits} != 0u)`;
    default:
      return bits;
  }
}

/** The 32 bits that memory holds for a value of `dtype`. */
export function toBits(value: string, dtype: DType): string {
  switch (dtype) {
    case "f32":
    case "i32":
      return `bitcast<u32>(${value})`;
    case "bool":
      return `select(0u, 1u, ${value})`;
    default:
      return value;
  }
}
