import type { StridedOperand } from "../core/graph/call.ts";
import type { DType } from "../core/graph/dtype.ts";
import { sizeOf } from "../core/graph/shape.ts";
import type { Resources } from "./resources.ts";
import type { Staging } from "./staging.ts";

/** Most rows of recorded outputs that the GPU keeps; a power of two. */
export const recordRows = 1024;

/** Bytes of all rows that the GPU keeps; a row that is larger stands alone. */
const ringBytes = 2 ** 22;

/**
 * The recorded outputs of past steps: a ring of rows on the GPU, from which rows are copied to the
 * host in time, many at once, while further steps run.
 */
export class Recorder {
  /** The ring, `[capacity · width]`. */
  readonly buffer: GPUBuffer;
  /** Rows of the ring, a power of two. */
  readonly capacity: number;
  /** Type of each number in a row. */
  readonly #dtypes: readonly DType[];
  /** Rows given to steps so far. */
  #next = 0;
  /** Rows whose copy to the host has been encoded. */
  #copied = 0;
  #chunks: Promise<Float64Array>[] = [];
  readonly #encoded: { buffer: GPUBuffer; rows: number }[] = [];

  /** @param resources Makes the ring. @param staging Brings rows to the host. @param outputs What a row holds. */
  constructor(
    private readonly resources: Resources,
    private readonly staging: Staging,
    outputs: readonly Pick<StridedOperand, "dtype" | "shape">[],
  ) {
    this.#dtypes = outputs.flatMap(({ dtype, shape }) => new Array(sizeOf(shape)).fill(dtype));
    const rows = Math.max(1, Math.floor(ringBytes / (4 * this.#dtypes.length)));
    this.capacity = Math.min(recordRows, 2 ** Math.floor(Math.log2(rows)));
    this.buffer = resources.buffer(
      "the recorded outputs",
      this.capacity * this.#dtypes.length * 4,
      GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC,
    );
  }

  /** True when the next step would write over a row that is not copied yet. */
  get full(): boolean {
    return this.#next - this.#copied >= this.capacity;
  }

  /** The row of the next step. */
  nextRow(): number {
    return this.#next++ % this.capacity;
  }

  /** Encodes a copy of rows that are not copied yet, at once or when half of the ring is full. */
  encodeCopies(encoder: GPUCommandEncoder, all = false): void {
    const rows = this.#next - this.#copied;
    if (rows === 0 || (!all && rows < this.capacity / 2)) return;
    const rowBytes = this.#dtypes.length * 4;
    const buffer = this.staging.take(rows * rowBytes);
    const first = this.#copied % this.capacity;
    const before = Math.min(rows, this.capacity - first);
    encoder.copyBufferToBuffer(this.buffer, first * rowBytes, buffer, 0, before * rowBytes);
    if (rows > before) {
      const rest = (rows - before) * rowBytes;
      encoder.copyBufferToBuffer(this.buffer, 0, buffer, before * rowBytes, rest);
    }
    this.#copied = this.#next;
    this.#encoded.push({ buffer, rows });
  }

  /** Fetches what has been copied; call it after each submit. */
  submitted(): void {
    for (const { buffer, rows } of this.#encoded) {
      const bytes = rows * this.#dtypes.length * 4;
      const chunk = this.staging.read(buffer, bytes, (data) => this.#convert(data, rows));
      // Errors are for whoever drains.
      chunk.catch(() => {});
      this.#chunks.push(chunk);
    }
    this.#encoded.length = 0;
  }

  /** All rows since the last call, in order. */
  async drain(): Promise<Float64Array> {
    if (this.#next > this.#copied) {
      const encoder = this.resources.device.createCommandEncoder();
      this.encodeCopies(encoder, true);
      this.resources.device.queue.submit([encoder.finish()]);
      this.resources.statistics.submits++;
      this.submitted();
    }
    const chunks = await Promise.all(this.#chunks.splice(0));
    const result = new Float64Array(chunks.reduce((sum, { length }) => sum + length, 0));
    let offset = 0;
    for (const chunk of chunks) {
      result.set(chunk, offset);
      offset += chunk.length;
    }
    return result;
  }

  /** Frees the ring. */
  dispose(): void {
    this.buffer.destroy();
  }

  #convert(data: ArrayBuffer, rows: number): Float64Array {
    const columns = this.#dtypes.length;
    const floats = new Float32Array(data);
    const integers = new Int32Array(data);
    const result = new Float64Array(rows * columns);
    for (let place = 0; place < result.length; place++) {
      const dtype = this.#dtypes[place % columns];
      result[place] = dtype === "f32"
        ? floats[place]
        : dtype === "i32"
        ? integers[place]
        : integers[place] >>> 0;
    }
    return result;
  }
}
