/** WebAssembly's value types, as bytes of the binary format. */
export const valueType = { i32: 0x7f, v128: 0x7b } as const;

/** Instructions that the loop kernels use; those of SIMD follow the prefix 0xfd. */
export const simd = {
  load: 0x00,
  load32Splat: 0x09,
  store: 0x0b,
  constant: 0x0c,
  shuffle: 0x0d,
  splatI32: 0x11,
  extractI32: 0x1b,
  replaceI32: 0x1c,
  bitselect: 0x52,
  load32Lane: 0x56,
  store32Lane: 0x5a,
  load32Zero: 0x5c,
  relaxedMadd: 0x105,
  relaxedNmadd: 0x106,
} as const;

/** Instructions of one function, written as bytes. */
export class Code {
  /** The bytes so far. */
  readonly bytes: number[] = [];
  readonly #locals: number[] = [];
  readonly #constants = new Map<string, number>();
  readonly #start: number[] = [];

  /** @param parameters Number of i32 parameters; locals are numbered after them. */
  constructor(private readonly parameters: number) {}

  /** A new local variable; gives its number. */
  local(type: number): number {
    this.#locals.push(type);
    return this.parameters + this.#locals.length - 1;
  }

  /** Plain bytes. */
  raw(...bytes: number[]): this {
    this.bytes.push(...bytes);
    return this;
  }

  /** i32.const. */
  i32(value: number): this {
    this.bytes.push(0x41, ...signed(value | 0));
    return this;
  }

  /** local.get. */
  get(local: number): this {
    this.bytes.push(0x20, ...unsigned(local));
    return this;
  }

  /** local.set. */
  set(local: number): this {
    this.bytes.push(0x21, ...unsigned(local));
    return this;
  }

  /** local = local + amount, in i32. */
  increase(local: number, amount: number): this {
    if (amount === 0) return this;
    return this.get(local).i32(amount).raw(0x6a).set(local);
  }

  /** A SIMD instruction with immediate bytes. */
  simd(opcode: number, ...immediates: number[]): this {
    this.bytes.push(0xfd, ...unsigned(opcode), ...immediates);
    return this;
  }

  /** A SIMD memory instruction at a constant byte offset from the address on the stack. */
  memory(opcode: number, offset: number, ...immediates: number[]): this {
    return this.simd(opcode, 2, ...unsigned(offset), ...immediates);
  }

  /**
   * Four 32-bit words that never change. They are put in a local once, at the function's start: in
   * a loop a v128.const costs V8 four instructions each time.
   */
  words(words: readonly number[]): this {
    const key = words.map((word) => word >>> 0).join();
    let local = this.#constants.get(key);
    if (local === undefined) {
      this.#constants.set(key, local = this.local(valueType.v128));
      const bytes = new Uint8Array(Uint32Array.from(words, (word) => word >>> 0).buffer);
      const start = new Code(this.parameters);
      start.simd(simd.constant, ...bytes).set(local);
      this.#start.push(...start.bytes);
    }
    return this.get(local);
  }

  /** i32.load at a constant byte offset. */
  load(offset: number): this {
    this.bytes.push(0x28, 2, ...unsigned(offset));
    return this;
  }

  /** Repeats `body` while `condition` leaves a value other than 0. */
  while(condition: () => void, body: () => void): void {
    this.raw(0x02, 0x40, 0x03, 0x40);
    condition();
    this.raw(0x45, 0x0d, 1);
    body();
    this.raw(0x0c, 0, 0x0b, 0x0b);
  }

  /** The function's entry of the code section. */
  finish(): number[] {
    const locals = this.#locals.flatMap((type) => [1, type]);
    const code = [...this.#start, ...this.bytes, 0x0b];
    const body = [...unsigned(this.#locals.length), ...locals, ...code];
    return [...unsigned(body.length), ...body];
  }
}

/**
 * A module of functions `(start: i32, end: i32, arguments: i32) => void`, exported as `"0"`,
 * `"1"`, …, over the shared memory imported as `env.memory`.
 */
export function writeModule(functions: readonly Code[]): Uint8Array<ArrayBuffer> {
  const section = (id: number, content: number[]) => [id, ...unsigned(content.length), ...content];
  const text = (value: string) => [value.length, ...new TextEncoder().encode(value)];
  const count = unsigned(functions.length);
  const { i32 } = valueType;
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, [1, 0x60, 3, i32, i32, i32, 0]),
    ...section(2, [1, ...text("env"), ...text("memory"), 0x02, 0x03, 1, ...unsigned(65536)]),
    ...section(3, [...count, ...functions.map(() => 0)]),
    ...section(7, [
      ...count,
      ...functions.flatMap((_, index) => [...text(String(index)), 0x00, ...unsigned(index)]),
    ]),
    ...section(10, [...count, ...functions.flatMap((code) => code.finish())]),
  ]);
}

function unsigned(value: number): number[] {
  const bytes: number[] = [];
  do {
    const low = value & 0x7f;
    value >>>= 7;
    bytes.push(value ? low | 0x80 : low);
  } while (value);
  return bytes;
}

function signed(value: number): number[] {
  const bytes: number[] = [];
  for (;;) {
    const low = value & 0x7f;
    value >>= 7;
    const done = (value === 0 && !(low & 0x40)) || (value === -1 && (low & 0x40));
    bytes.push(done ? low : low | 0x80);
    if (done) return bytes;
  }
}
