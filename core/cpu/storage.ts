import { bytesPerElement, type DType, type TensorData } from "../graph/dtype.ts";
import type { Storage } from "../graph/device.ts";
import { DisposedError, ShapeError } from "../graph/errors.ts";
import type { SharedMemory } from "./memory.ts";

/** Memory of the CPU device that outlives a step. */
export class CpuStorage implements Storage {
  /** Byte address in the shared memory. */
  readonly address: number;
  #disposed = false;

  /** Allocates zeros. */
  constructor(
    private readonly memory: SharedMemory,
    readonly dtype: DType,
    readonly elements: number,
    private readonly name: string,
  ) {
    this.address = memory.allocate(elements * bytesPerElement(dtype), name);
  }

  write(data: TensorData, offset = 0): void {
    this.#check();
    if (offset + data.length > this.elements) {
      throw new ShapeError(
        `Cannot write ${data.length} elements at ${offset} to "${this.name}": it holds ` +
          `${this.elements}`,
      );
    }
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const start = this.address + offset * bytesPerElement(this.dtype);
    new Uint8Array(this.memory.memory.buffer, start, bytes.length).set(bytes);
  }

  read(): TensorData {
    this.#check();
    return copyOut(this.memory, this.address, this.dtype, this.elements);
  }

  copyFrom(source: Storage): void {
    this.#check();
    const from = source as CpuStorage;
    from.#check();
    const bytes = this.elements * bytesPerElement(this.dtype);
    const all = new Uint8Array(this.memory.memory.buffer);
    all.copyWithin(this.address, from.address, from.address + bytes);
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.memory.free(this.address);
  }

  #check(): void {
    if (this.#disposed) throw new DisposedError(`Cannot use "${this.name}" after its disposal`);
  }
}

/** A copy of `count` elements of `dtype` at `address`. */
export function copyOut(
  memory: SharedMemory,
  address: number,
  dtype: DType,
  count: number,
): TensorData {
  const bytes = new Uint8Array(count * bytesPerElement(dtype));
  bytes.set(new Uint8Array(memory.memory.buffer, address, bytes.length));
  const { buffer } = bytes;
  if (dtype === "f32") return new Float32Array(buffer);
  if (dtype === "i32") return new Int32Array(buffer);
  return dtype === "u8" ? bytes : new Uint32Array(buffer);
}
