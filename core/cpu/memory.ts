import { DisposedError } from "../graph/errors.ts";

const pageBytes = 65536;
const mostPages = 65536;
/** Blocks begin at cache lines. */
const alignment = 64;
/** Kernels may read this far past an operand. */
const padding = 128;

interface Block {
  readonly offset: number;
  readonly bytes: number;
}

/**
 * The memory that the CPU's threads share, and who has which part of it: first fit, with free
 * neighbours joined.
 */
export class SharedMemory {
  /** What WebAssembly sees. */
  readonly memory: WebAssembly.Memory;
  #free: Block[] = [];
  #end = alignment;
  #highest = 0;

  /**
   * Reserves address space only; pages come when they are asked for.
   *
   * @throws {RangeError} when the system has none to give.
   */
  constructor() {
    this.memory = givenBySystem(
      "open the CPU, whose memory takes 4 GiB of addresses",
      () => new WebAssembly.Memory({ initial: 16, maximum: mostPages, shared: true }),
    );
  }

  /**
   * A zeroed block; gives its address.
   *
   * @throws {RangeError} when 4 GiB, all that WebAssembly can address, are used up, or the system gives
   * no more.
   */
  allocate(bytes: number, what: string): number {
    const size = Math.ceil((bytes + padding) / alignment) * alignment;
    const place = this.#free.findIndex((block) => block.bytes >= size);
    if (place >= 0) {
      const [block] = this.#free.splice(place, 1);
      if (block.bytes > size) this.#release(block.offset + size, block.bytes - size);
      new Uint8Array(this.memory.buffer, block.offset, size).fill(0);
      this.#sizes.set(block.offset, size);
      return block.offset;
    }
    const offset = this.#end;
    const pages = Math.ceil((offset + size) / pageBytes) -
      this.memory.buffer.byteLength / pageBytes;
    if ((offset + size) / pageBytes > mostPages) {
      throw new RangeError(
        `Cannot allocate ${bytes} bytes for ${what}: the CPU device holds 4 GiB in all ` +
          `(use smaller batches, or a data set that is read in parts)`,
      );
    }
    if (pages > 0) {
      givenBySystem(`allocate ${bytes} bytes for ${what}`, () => this.memory.grow(pages));
    }
    if (offset < this.#highest) {
      const dirty = Math.min(size, this.#highest - offset);
      new Uint8Array(this.memory.buffer, offset, dirty).fill(0);
    }
    this.#highest = Math.max(this.#highest, offset + size);
    this.#end = offset + size;
    this.#sizes.set(offset, size);
    return offset;
  }

  /** Gives a block back. */
  free(offset: number): void {
    const size = this.#sizes.get(offset);
    if (size === undefined) throw new DisposedError("Cannot free memory twice");
    this.#sizes.delete(offset);
    this.#release(offset, size);
  }

  /** Bytes that are allocated now. */
  get allocatedBytes(): number {
    return [...this.#sizes.values()].reduce((sum, size) => sum + size, 0);
  }

  readonly #sizes = new Map<number, number>();

  #release(offset: number, bytes: number): void {
    const before = this.#free.findIndex((block) => block.offset + block.bytes === offset);
    if (before >= 0) {
      const [block] = this.#free.splice(before, 1);
      offset = block.offset;
      bytes += block.bytes;
    }
    const after = this.#free.findIndex((block) => block.offset === offset + bytes);
    if (after >= 0) bytes += this.#free.splice(after, 1)[0].bytes;
    if (offset + bytes === this.#end) this.#end = offset;
    else this.#free.push({ offset, bytes });
  }
}

/** What the system gives, or an error that says what to do when it does not. */
function givenBySystem<Given>(purpose: string, take: () => Given): Given {
  try {
    return take();
  } catch (cause) {
    throw new RangeError(
      `Cannot ${purpose}: the system has no memory left for this process (dispose of devices that ` +
        `are not needed any more, or raise its limit, as "ulimit -v" shows it)`,
      { cause },
    );
  }
}
