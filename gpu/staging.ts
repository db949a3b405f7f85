import { KernelError } from "../core/graph/errors.ts";
import type { Faults } from "./faults.ts";
import type { Resources } from "./resources.ts";

/** Bytes of the smallest staging buffer. */
const smallest = 4096;

/** Buffers that the host can read, used again and again. */
export class Staging {
  readonly #free: GPUBuffer[] = [];
  readonly #all = new Set<GPUBuffer>();

  /** @param resources Makes the buffers. @param faults The device's errors. */
  constructor(private readonly resources: Resources, private readonly faults: Faults) {}

  /** A buffer of at least `bytes`; give it back with {@link Staging.read}. */
  take(bytes: number): GPUBuffer {
    const fitting = this.#free.findIndex(({ size }) => size >= bytes);
    if (fitting >= 0) return this.#free.splice(fitting, 1)[0];
    // Powers of two, so that a buffer made for one read fits the next ones.
    const size = Math.max(smallest, 2 ** Math.ceil(Math.log2(Math.max(bytes, 1))));
    const buffer = this.resources.buffer(
      "a staging buffer",
      Math.min(size, this.resources.largestBuffer),
      GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
    );
    this.#all.add(buffer);
    return buffer;
  }

  /** Waits for the copies into `buffer`, hands its first `bytes` to `use`, and keeps it for later. */
  async read<Result>(
    buffer: GPUBuffer,
    bytes: number,
    use: (data: ArrayBuffer) => Result,
  ): Promise<Result> {
    try {
      await buffer.mapAsync(GPUMapMode.READ, 0, Math.ceil(bytes / 8) * 8);
    } catch (error) {
      await this.faults.settled();
      throw new KernelError(`Cannot read from the GPU: ${(error as Error).message}`);
    }
    await this.faults.settled();
    const result = use(buffer.getMappedRange(0, Math.ceil(bytes / 8) * 8));
    buffer.unmap();
    this.#free.push(buffer);
    return result;
  }

  /** Frees all of them. */
  dispose(): void {
    for (const buffer of this.#all) buffer.destroy();
    this.#all.clear();
    this.#free.length = 0;
  }
}
