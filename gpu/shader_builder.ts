import type { DType } from "../core/graph/dtype.ts";
import { halfMemory, memoryOf } from "./call.ts";
import type { GpuBuffer, Packing } from "./packed.ts";
import { type Binding, ShaderMemories } from "./shader_memories.ts";

/** WGSL's name of a type in registers. */
export function registerType(dtype: DType): "f32" | "i32" | "u32" | "bool" {
  return dtype === "u8" ? "u32" : dtype;
}

/** A finished shader and what must be bound to it. */
export interface ShaderModule {
  /** The shader's text; equal work has equal text, wherever its operands lie. */
  readonly wgsl: string;
  /** Memories to bind, in the order of binding numbers. */
  readonly memories: readonly Binding[];
  /** Values of the shader's `places`: where operands begin. */
  readonly places: readonly number[];
}

/** Collects the parts of one shader: what it binds, its functions, its shared memory. */
export class ShaderBuilder {
  readonly #memories: ShaderMemories;
  readonly #places: number[] = [];
  readonly #declarations = new Map<string, string>();
  readonly #scalarCount: { vectors: number } = { vectors: 0 };
  #unique = 0;

  /**
   * @param buffers The plan's buffers.
   * @param uniforms Bytes of memories read through uniform bindings.
   * @param uniformBytes Bytes of one such binding.
   * @param wide Memories bound as vectors of four elements.
   */
  constructor(
    private readonly buffers: readonly GpuBuffer[],
    uniforms: ReadonlyMap<number, number> = new Map(),
    uniformBytes = 0,
    wide: ReadonlySet<number> = new Set(),
  ) {
    this.#memories = new ShaderMemories(uniforms, uniformBytes, wide);
  }

  /** Memories that the shader would rather have bound as vectors. */
  get wanted(): ReadonlySet<number> {
    return this.#memories.wanted;
  }

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
    return this.#memories.name(memory, writable);
  }

  /** An expression for a number that may differ between equal shaders. */
  place(value: number): string {
    const index = this.#places.length;
    this.#places.push(value);
    return `places[${index >> 2}].${"xyzw"[index & 3]}`;
  }

  /** An expression for the first element of an operand in its memory. */
  start(operand: { readonly buffer: number; readonly offset: number }): string {
    const { offset, half } = this.buffers[operand.buffer];
    // Offsets are in an arena, whose elements all have as many bytes.
    return this.place(offset / (half ? 2 : 4) + operand.offset);
  }

  /** The bits of a word of the step's scalar block. */
  scalarWord(index: number): string {
    this.#scalarCount.vectors = Math.max(this.#scalarCount.vectors, (index >> 2) + 1);
    return `scalars[${index >> 2}].${"xyzw"[index & 3]}`;
  }

  /** Element type of a buffer. */
  dtype(buffer: number): DType {
    return this.buffers[buffer].dtype;
  }

  /** True when `buffer` is the step's scalar block. */
  isScalar(buffer: number): boolean {
    return this.buffers[buffer].leaf === "scalars";
  }

  /** An expression for the element at `index` of a buffer's memory. */
  load(buffer: number, dtype: DType, index: string): string {
    const { packed, half } = this.buffers[buffer];
    if (half) return this.#loadHalf(index);
    if (packed) {
      const row = `(${index}) / ${packed.length}u`;
      const byte = `f32(${this.loadByte(buffer, index)})`;
      return this.unpack(buffer, byte, this.rowOffset(buffer, row));
    }
    if (this.buffers[buffer].dtype === "u8") return this.loadByte(buffer, index);
    return fromBits(this.loadWord(buffer, index), dtype);
  }

  /** The float that 16 bits at `index` of a buffer's memory stand for. */
  #loadHalf(index: string): string {
    if (this.#memories.windows(halfMemory).length === 0) {
      return `f32(${this.#read(halfMemory, index)})`;
    }
    this.declare(
      "from_half",
      "fn from_half(word: u32, i: u32) -> f32 {\n" +
        "  return unpack2x16float(word >> ((i & 1u) << 4u)).x;\n}",
    );
    return `from_half(${this.#read(halfMemory, `(${index}) >> 1u`)}, ${index})`;
  }

  /**
   * Four neighbouring floats from `index` of a buffer's memory, a multiple of four, as a vector;
   * `null` where they cannot be read at once.
   */
  loadVector(buffer: number, index: string): string | null {
    const { dtype, half, packed } = this.buffers[buffer];
    const memory = memoryOf(this.buffers, buffer);
    if (dtype !== "f32" || packed || this.#memories.windows(memory).length > 0) return null;
    if (!this.#memories.takeVectors(memory)) return null;
    const vector = `${this.memory(memory, false)}[(${index}) >> 2u]`;
    return half ? `vec4<f32>(${vector})` : `bitcast<vec4<f32>>(${vector})`;
  }

  /** The byte at `index` of a buffer's memory. */
  loadByte(buffer: number, index: string): string {
    const word = this.loadWord(buffer, `(${index}) >> 2u`);
    return `((${word} >> (((${index}) & 3u) << 3u)) & 255u)`;
  }

  /** The 32 bits at word `index` of a buffer's memory. */
  loadWord(buffer: number, index: string): string {
    return this.#read(memoryOf(this.buffers, buffer), index);
  }

  /** The word, or the half, at `index` of a memory. */
  #read(memory: number, index: string): string {
    const name = this.memory(memory, false);
    if (!this.#memories.hasReader(memory)) return `${name}[${index}]`;
    const isHalf = memory === halfMemory && this.#memories.windows(memory).length === 0;
    this.declare(
      `read_${name}`,
      `fn read_${name}(i: u32) -> ${isHalf ? "f16" : "u32"} {\n` +
        `  return ${this.#memories.reader(memory)};\n}`,
    );
    return `read_${name}(${index})`;
  }

  /** How the bytes of a buffer stand for floats, if they do. */
  packing(buffer: number): Packing | undefined {
    return this.buffers[buffer].packed;
  }

  /** The float that a byte of a packed buffer stands for, with the offset of its row. */
  unpack(buffer: number, byte: string, rowOffset: string): string {
    const { scale } = this.buffers[buffer].packed!;
    return `(${byte} * ${Math.fround(scale)} + ${rowOffset})`;
  }

  /** The offset of a row of a packed buffer. */
  rowOffset(buffer: number, row: string): string {
    const { rows, length } = this.buffers[buffer].packed!;
    return `bitcast<f32>(${this.loadWord(buffer, `${rows * length / 4}u + ${row}`)})`;
  }

  /** Uniform bindings through which a buffer is read; 0 when it is read as storage. */
  windows(buffer: number): number {
    return this.#memories.windows(memoryOf(this.buffers, buffer)).length;
  }

  /**
   * The two uniform bindings through which a buffer with a memory of its own is read, in words; `null`
   * where there are others.
   */
  parts(buffer: number): { readonly start: number; readonly end: number }[] | null {
    const windows = this.#memories.windows(buffer);
    if (windows.length !== 2) return null;
    return windows.map(({ offset, size }) => ({ start: offset / 4, end: (offset + size) / 4 }));
  }

  /** An expression for the f32 at `index` of a buffer, where it lies in that one of its parts. */
  loadFromPart(buffer: number, part: number, index: string): string {
    const name = this.memory(buffer, false);
    const read = `read_${name}_${part}`;
    this.declare(
      read,
      `fn ${read}(i: u32) -> u32 {\n  return ${this.#memories.partReader(buffer, part, "i")};\n}`,
    );
    return `bitcast<f32>(${read}(${index}))`;
  }

  /** A statement that stores `value` at `index` of a buffer's memory. */
  store(buffer: number, dtype: DType, index: string, value: string): string {
    const name = this.memory(memoryOf(this.buffers, buffer), true);
    if (!this.buffers[buffer].half) return `${name}[${index}] = ${toBits(value, dtype)};`;
    this.declare("to_half", toHalf);
    return `${name}[${index}] = to_half(${value});`;
  }

  /** `value` as it is read again once it is stored: rounded, where 16-bit floats stand for a buffer's. */
  rounded(buffer: number, value: string): string {
    if (!this.buffers[buffer].half) return value;
    this.declare("to_half", toHalf);
    return `f32(to_half(${value}))`;
  }

  /** A statement that stores 32 bits at word `index` of a buffer's memory. */
  storeWord(buffer: number, index: string, bits: string): string {
    return `${this.memory(memoryOf(this.buffers, buffer), true)}[${index}] = ${bits};`;
  }

  /** Declares memory that a workgroup shares, and gives its name. */
  shared(type: string, length: number): string {
    const name = `shared${this.unique()}`;
    this.declare(name, `var<workgroup> ${name}: array<${type}, ${length}>;`);
    return name;
  }

  /** The finished shader; `entry` are the statements of its main function. */
  build(entry: string, lanes: number): ShaderModule {
    const { memories, lines: declared } = this.#memories.bindings();
    const lines: string[] = declared[0] === "enable f16;" ? [declared.shift()!] : [];
    if (this.#scalarCount.vectors > 0) {
      lines.push(
        `@group(0) @binding(0) var<uniform> scalars: array<vec4<u32>, ${this.#scalarCount.vectors}>;`,
      );
    }
    const vectors = Math.ceil(this.#places.length / 4);
    if (vectors > 0) {
      lines.push(`@group(1) @binding(0) var<uniform> places: array<vec4<u32>, ${vectors}>;`);
    }
    lines.push(...declared);
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

/** WGSL leaves open what becomes of a float that 16 bits cannot hold; an overflow has to show. */
const toHalf = "fn to_half(x: f32) -> f16 {\n" +
  "  let infinite = bitcast<f32>((bitcast<u32>(x) & 0x80000000u) | 0x7f800000u);\n" +
  "  return f16(select(x, infinite, abs(x) >= 65520.0));\n}";

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
