import { halfMemory } from "./call.ts";
import { uniformAlignment } from "./uniforms.ts";

/** How a kernel sees a memory, or a part of one. */
export interface Binding {
  /** The memory. */
  readonly memory: number;
  /** Kind of WebGPU's binding. */
  readonly type: "read" | "write" | "uniform";
  /** First byte and number of bytes; by default the whole memory. */
  readonly window?: { readonly offset: number; readonly size: number };
}

/** Where the memories of a shader are bound, and how their elements are reached. */
export class ShaderMemories {
  readonly #known = new Map<number, { name: string; writable: boolean; vectors: boolean }>();

  /**
   * @param uniforms Bytes of memories that are read through uniform bindings.
   * @param uniformBytes Bytes of one such binding.
   * @param wide Memories that are bound as vectors of four elements.
   */
  constructor(
    private readonly uniforms: ReadonlyMap<number, number>,
    private readonly uniformBytes: number,
    private readonly wide: ReadonlySet<number>,
  ) {}

  /** The name of a memory in the shader, to be read or written. */
  name(memory: number, writable: boolean): string {
    const known = this.#known.get(memory);
    if (known) {
      known.writable ||= writable;
      return known.name;
    }
    const name = `memory${this.#known.size}`;
    this.#known.set(memory, { name, writable, vectors: false });
    return name;
  }

  /** Memories of which four elements are read at once, and that could be bound as vectors. */
  get wanted(): ReadonlySet<number> {
    const wanted = [...this.#known].filter(([memory, { writable, vectors }]) =>
      // Compilers may store a part of a vector by storing the whole: no vectors where one writes.
      vectors && !writable && !this.uniforms.has(memory)
    );
    return new Set(wanted.map(([memory]) => memory));
  }

  /**
   * Notes that four elements of `memory` are to be read at once.
   *
   * @returns Whether the memory is bound so that they can be.
   */
  takeVectors(memory: number): boolean {
    this.name(memory, false);
    this.#known.get(memory)!.vectors = true;
    return this.wide.has(memory);
  }

  /** True where elements of a memory are reached through a function of their index. */
  hasReader(memory: number): boolean {
    return this.uniforms.has(memory) || this.wide.has(memory);
  }

  /** The body of a function of the index `i` of a word, or of a half, that is bound in a vector. */
  reader(memory: number): string {
    const name = this.name(memory, false);
    const windows = this.windows(memory);
    if (windows.length <= 1) return `${name}[i >> 2u][i & 3u]`;
    const parts = windows.map(({ offset, size }, part) =>
      `${name}_${part}[min((i - ${offset / 4}u) >> 2u, ${size / 16 - 1}u)][i & 3u]`
    );
    return parts.reduce((below, part, number) =>
      `select(${below}, ${part}, i >= ${windows[number].offset / 4}u)`
    );
  }

  /** The word at `index` of a memory of which it is known that it lies in a part. */
  partReader(memory: number, part: number, index: string): string {
    const { offset } = this.windows(memory)[part];
    const name = `${this.name(memory, false)}_${part}`;
    const inside = offset === 0 ? `(${index})` : `(${index} - ${offset / 4}u)`;
    return `${name}[${inside} >> 2u][${inside} & 3u]`;
  }

  /** The parts of a memory that uniform bindings cover; none where it is bound as storage. */
  windows(memory: number): { offset: number; size: number }[] {
    const bytes = this.uniforms.get(memory) ?? 0;
    const count = Math.ceil(bytes / this.uniformBytes) || 0;
    return Array.from({ length: count }, (_, part) => {
      // The last one is as long as the others: where it overlaps, either of the two will do.
      const last = Math.max(0, bytes - this.uniformBytes);
      const offset = part < count - 1
        ? part * this.uniformBytes
        : Math.ceil(last / uniformAlignment) * uniformAlignment;
      return { offset, size: Math.min(this.uniformBytes, bytes - offset) };
    });
  }

  /** The bindings in order, and their declarations. */
  bindings(): { memories: Binding[]; lines: string[] } {
    const memories: Binding[] = [];
    const lines: string[] = [];
    for (const [memory, { name, writable }] of this.#known) {
      if (!this.uniforms.has(memory)) {
        memories.push({ memory, type: writable ? "write" : "read" });
        const access = writable ? "read_write" : "read";
        const element = memory === halfMemory ? "f16" : "u32";
        const type = this.wide.has(memory) ? `vec4<${element}>` : element;
        if (element === "f16") lines.unshift("enable f16;");
        lines.push(
          `@group(1) @binding(${memories.length}) var<storage, ${access}> ${name}: array<${type}>;`,
        );
        continue;
      }
      const windows = this.windows(memory);
      windows.forEach((window, part) => {
        memories.push({ memory, type: "uniform", window });
        const own = windows.length === 1 ? name : `${name}_${part}`;
        lines.push(
          `@group(1) @binding(${memories.length}) var<uniform> ${own}: ` +
            `array<vec4<u32>, ${window.size / 16}>;`,
        );
      });
    }
    return { memories, lines };
  }
}
