import type { DType } from "../core/graph/dtype.ts";
import { halfMemory, memoryOf } from "./call.ts";
import type { GpuBuffer, Packing } from "./packed.ts";

/** WGSL's name of a type in registers. */
export function registerType(dtype: DType): "f32" | "i32" | "u32" | "bool" {
  return dtype === "u8" ? "u32" : dtype;
}

/** How a kernel sees a memory, or a part of one. */
export interface Binding {
  /** The memory. */
  readonly memory: number;
  /** Kind of WebGPU's binding. */
  readonly type: "read" | "write" | "uniform";
  /** First byte and number of bytes; by default the whole memory. */
  readonly window?: { readonly offset: number; readonly size: number };
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
  readonly #memories = new Map<number, { name: string; writable: boolean }>();
  readonly #places: number[] = [];
  readonly #declarations = new Map<string, string>();
  readonly #scalarCount: { vectors: number } = { vectors: 0 };
  #unique = 0;

  /** @param buffers The plan's buffers. @param uniforms Bytes of memories read through uniform bindings. @param uniformBytes Bytes of one such binding. */
  constructor(
    private readonly buffers: readonly GpuBuffer[],
    private readonly uniforms: ReadonlyMap<number, number> = new Map(),
    private readonly uniformBytes = 0,
  ) {}

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
    if (half) return this.#loadHalf(buffer, index);
    if (packed) {
      const row = `(${index}) / ${packed.length}u`;
      const byte = `f32(${this.loadByte(buffer, index)})`;
      return this.unpack(buffer, byte, this.rowOffset(buffer, row));
    }
    if (this.buffers[buffer].dtype === "u8") return this.loadByte(buffer, index);
    return fromBits(this.loadWord(buffer, index), dtype);
  }

  /** The float that 16 bits at `index` of a buffer's memory stand for. */
  #loadHalf(buffer: number, index: string): string {
    const name = this.memory(halfMemory, false);
    if (!this.uniforms.has(halfMemory)) return `f32(${name}[${index}])`;
    this.declare(
      "from_half",
      "fn from_half(word: u32, i: u32) -> f32 {\n" +
        "  return unpack2x16float(word >> ((i & 1u) << 4u)).x;\n}",
    );
    return `from_half(${this.loadWord(buffer, `(${index}) >> 1u`)}, ${index})`;
  }

  /** The byte at `index` of a buffer's memory. */
  loadByte(buffer: number, index: string): string {
    const word = this.loadWord(buffer, `(${index}) >> 2u`);
    return `((${word} >> (((${index}) & 3u) << 3u)) & 255u)`;
  }

  /** The 32 bits at word `index` of a buffer's memory. */
  loadWord(buffer: number, index: string): string {
    const memory = memoryOf(this.buffers, buffer);
    const name = this.memory(memory, false);
    if (!this.uniforms.has(memory)) return `${name}[${index}]`;
    this.declare(`read_${name}`, this.#reader(name, this.#windows(memory)));
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
    const bytes = this.uniforms.get(memoryOf(this.buffers, buffer));
    return bytes === undefined ? 0 : Math.ceil(bytes / this.uniformBytes);
  }

  /** The parts of a memory that uniform bindings cover. */
  #windows(memory: number): { offset: number; size: number }[] {
    const bytes = this.uniforms.get(memory)!;
    return Array.from({ length: Math.ceil(bytes / this.uniformBytes) }, (_, part) => {
      const offset = part * this.uniformBytes;
      return { offset, size: Math.min(this.uniformBytes, bytes - offset) };
    });
  }

  /** A function of a word's index. */
  #reader(name: string, windows: readonly { offset: number; size: number }[]): string {
    const head = `fn read_${name}(i: u32) -> u32 {\n`;
    if (windows.length === 1) return `${head}  return ${name}[i >> 2u][i & 3u];\n}`;
    const parts = windows.map(({ offset, size }, part) =>
      `${name}_${part}[min((i - ${offset / 4}u) >> 2u, ${size / 16 - 1}u)][i & 3u]`
    );
    const value = parts.reduce((below, part, number) =>
      `select(${below}, ${part}, i >= ${windows[number].offset / 4}u)`
    );
    return `${head}  return ${value};\n}`;
  }

  /** A statement that stores `value` at `index` of a buffer's memory. */
  store(buffer: number, dtype: DType, index: string, value: string): string {
    const name = this.memory(memoryOf(this.buffers, buffer), true);
    if (!this.buffers[buffer].half) return `${name}[${index}] = ${toBits(value, dtype)};`;
    this.declare("to_half", toHalf);
    return `${name}[${index}] = to_half(${value});`;
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
    const memories: Binding[] = [];
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
    for (const [memory, { name, writable }] of this.#memories) {
      if (!this.uniforms.has(memory)) {
        memories.push({ memory, type: writable ? "write" : "read" });
        const access = writable ? "read_write" : "read";
        const type = memory === halfMemory ? "f16" : "u32";
        if (type === "f16") lines.unshift("enable f16;");
        lines.push(
          `@group(1) @binding(${memories.length}) var<storage, ${access}> ${name}: array<${type}>;`,
        );
        continue;
      }
      const windows = this.#windows(memory);
      windows.forEach((window, part) => {
        memories.push({ memory, type: "uniform", window });
        const own = windows.length === 1 ? name : `${name}_${part}`;
        lines.push(
          `@group(1) @binding(${memories.length}) var<uniform> ${own}: ` +
            `array<vec4<u32>, ${window.size / 16}>;`,
        );
      });
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
