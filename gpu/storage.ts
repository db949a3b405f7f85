import { allocateData, bytesPerElement, type DType, type TensorData } from "../core/graph/dtype.ts";
import type { Storage } from "../core/graph/device.ts";
import { DisposedError, DTypeError, ShapeError } from "../core/graph/errors.ts";
import type { GpuContext } from "./context.ts";
import { memoryUsage } from "./resources.ts";

/** Memory on a GPU that outlives a step. */
export class GpuStorage implements Storage {
  /** WebGPU's buffer; a multiple of 16 bytes long. */
  readonly buffer: GPUBuffer;
  #disposed = false;

  /** @param device Its device. @param dtype Element type. @param elements Size. @param name For messages. */
  constructor(
    private readonly device: GpuContext,
    /** Element type. */
    readonly dtype: DType,
    /** Number of elements. */
    readonly elements: number,
    /** Name for messages. */
    readonly name: string,
  ) {
    this.buffer = device.resources.buffer(
      `"${name}"`,
      elements * bytesPerElement(dtype),
      memoryUsage() | GPUBufferUsage.COPY_DST,
    );
  }

  /**
   * Throws when the memory is gone.
   *
   * @throws {DisposedError} after disposal.
   */
  check(): void {
    if (this.#disposed) throw new DisposedError(`Cannot use "${this.name}" after its disposal`);
  }

  /** See {@link Storage.write}. */
  write(data: TensorData, offset = 0): void {
    this.check();
    this.device.faults.check();
    const sample = allocateData(this.dtype, 0);
    if (data.constructor !== sample.constructor) {
      throw new DTypeError(
        `Cannot write to "${this.name}" as its elements are ${this.dtype}: expected ` +
          `${sample.constructor.name}, received ${data.constructor.name}`,
      );
    }
    if (offset < 0 || offset + data.length > this.elements) {
      throw new ShapeError(
        `Cannot write ${data.length} elements at ${offset} to "${this.name}" as it holds ` +
          `${this.elements}`,
      );
    }
    if (data.length === 0) return;
    this.device.queue.flush();
    if (this.dtype === "u8") this.#writeBytes(data as Uint8Array, offset);
    else this.#upload(offset * 4, data);
  }

  /** See {@link Storage.read}. */
  async read(): Promise<TensorData> {
    this.check();
    this.device.faults.check();
    const result = allocateData(this.dtype, this.elements);
    if (this.elements === 0) return result;
    await this.device.readBuffer(this.buffer, 0, result);
    return result;
  }

  /** See {@link Storage.copyFrom}. */
  copyFrom(source: Storage): void {
    this.check();
    this.device.faults.check();
    if (!(source instanceof GpuStorage) || source.device !== this.device) {
      throw new DTypeError(`Cannot copy to "${this.name}" from the memory of another device`);
    }
    source.check();
    if (source.dtype !== this.dtype || source.elements !== this.elements) {
      throw new ShapeError(
        `Cannot copy "${source.name}" to "${this.name}" as type and size must be equal: expected ` +
          `${this.elements} ${this.dtype}, received ${source.elements} ${source.dtype}`,
      );
    }
    if (source === this || this.elements === 0) return;
    this.device.copyBuffer(source.buffer, this.buffer);
  }

  /** See {@link Storage.dispose}. */
  dispose(): void {
    if (this.#disposed) return;
    // A submit that names a destroyed buffer is refused as a whole.
    this.device.queue.flush();
    this.#disposed = true;
    this.buffer.destroy();
    this.device.forget(this);
  }

  #upload(byte: number, data: TensorData): void {
    this.device.resources.device.queue.writeBuffer(
      this.buffer,
      byte,
      data.buffer as ArrayBuffer,
      data.byteOffset,
      data.byteLength,
    );
  }

  /** Writes go in words of four bytes: bytes at the ends are set one by one inside their words. */
  #writeBytes(data: Uint8Array, offset: number): void {
    const end = offset + data.length;
    const firstWhole = Math.min(Math.ceil(offset / 4) * 4, end);
    const lastWhole = Math.max(firstWhole, Math.floor(end / 4) * 4);
    if (lastWhole > firstWhole) {
      this.#upload(firstWhole, data.subarray(firstWhole - offset, lastWhole - offset));
    }
    for (const [from, to] of [[offset, firstWhole], [lastWhole, end]]) {
      if (to <= from) continue;
      const word = Math.floor(from / 4);
      let mask = 0;
      let value = 0;
      for (let byte = from; byte < to; byte++) {
        const shift = (byte - word * 4) * 8;
        mask |= 255 << shift;
        value |= data[byte - offset] << shift;
      }
      this.device.patchWord(this.buffer, word, mask >>> 0, value >>> 0);
    }
  }
}
