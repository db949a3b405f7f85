import { KernelError } from "../core/graph/errors.ts";
import type { Faults } from "./faults.ts";
import type { Resources } from "./resources.ts";
import type { Staging } from "./staging.ts";

/** Timestamps that a query set holds at most. */
const mostTimestamps = 4096;

/** Bytes to which the resolving of timestamps is aligned. */
const resolveAlignment = 256;

/** Nanoseconds of a tick on adapters there are: NVIDIA and Mesa, AMD, Intel (three), Apple. */
const knownTicks = [1, 10, 1000 / 38.4, 1000 / 19.2, 1000 / 12, 1000 / 24];

/** Milliseconds between the two readings that tell how long a tick is. */
const comparison = 40;

/** The marks of one pass, for its descriptor. */
export type PassMarks = (pass: number) => Pick<GPUComputePassDescriptor, "timestampWrites">;

/**
 * Times compute passes, with the adapter's timestamps where it has them. Deno gives them in ticks,
 * and WebGPU does not say how long a tick is: it is found by comparing with the host's clock.
 */
export class GpuClock {
  #queries: { set: GPUQuerySet; resolved: GPUBuffer; count: number } | undefined;
  #scale: Promise<{ tick: number; zero: bigint; time: number }> | undefined;
  #round: Promise<number> | undefined;

  /** @param resources The device. @param staging Brings timestamps to the host. @param faults Its errors. @param hasTimestamps Whether passes can be timed. */
  constructor(
    private readonly resources: Resources,
    private readonly staging: Staging,
    private readonly faults: Faults,
    /** Whether passes can be timed one by one. */
    readonly hasTimestamps: boolean,
  ) {}

  /**
   * Submits passes and says when each began and ended, in milliseconds on the clock of
   * `performance.now()`: two numbers a pass.
   *
   * @throws {KernelError} when there are more passes than a query set has timestamps for.
   */
  async time(
    passes: number,
    encode: (encoder: GPUCommandEncoder, marks: PassMarks) => void,
  ): Promise<Float64Array> {
    // Asked for first: the submit below must not wait for it.
    const ticks = this.#submit(passes, encode);
    const { tick, zero, time } = await this.#measureTick();
    return Float64Array.from(await ticks, (value) => time + Number(value - zero) * tick);
  }

  /** Milliseconds that the GPU needs for a pass, by the host's clock if there is no other. */
  async duration(encode: (pass: GPUComputePassEncoder) => void): Promise<number> {
    if (this.hasTimestamps) {
      const [start, end] = await this.time(1, (encoder, marks) => {
        const pass = encoder.beginComputePass(marks(0));
        encode(pass);
        pass.end();
      });
      return end - start;
    }
    const round = await this.#measureRound();
    return Math.max(0, await this.#hostTime(encode) - round);
  }

  /** Frees what timing needed. */
  dispose(): void {
    this.#queries?.set.destroy();
    this.#queries?.resolved.destroy();
    this.#queries = undefined;
  }

  #submit(
    passes: number,
    encode: (encoder: GPUCommandEncoder, marks: PassMarks) => void,
  ): Promise<BigUint64Array> {
    const { device, statistics } = this.resources;
    const { set, resolved } = this.#queriesFor(2 * passes);
    const bytes = 16 * passes;
    const target = this.staging.take(bytes);
    this.faults.watch(() => {
      const encoder = device.createCommandEncoder();
      encode(encoder, (pass) => ({
        timestampWrites: {
          querySet: set,
          beginningOfPassWriteIndex: 2 * pass,
          endOfPassWriteIndex: 2 * pass + 1,
        },
      }));
      encoder.resolveQuerySet(set, 0, 2 * passes, resolved, 0);
      encoder.copyBufferToBuffer(resolved, 0, target, 0, bytes);
      device.queue.submit([encoder.finish()]);
      statistics.submits++;
    }, (message) => new KernelError(`Cannot time kernels on the GPU: ${message}`));
    return this.staging.read(target, bytes, (data) => new BigUint64Array(data.slice(0, bytes)));
  }

  #queriesFor(count: number): { set: GPUQuerySet; resolved: GPUBuffer } {
    if (count > mostTimestamps) {
      throw new KernelError(
        `Cannot profile a step of ${count / 2} dispatches: at most ${mostTimestamps / 2} are timed`,
      );
    }
    if (this.#queries && this.#queries.count >= count) return this.#queries;
    // The old ones may be in use by a submit.
    const old = this.#queries;
    if (old) {
      void this.resources.device.queue.onSubmittedWorkDone().then(() => {
        old.set.destroy();
        old.resolved.destroy();
      }, () => {});
    }
    this.#queries = {
      set: this.resources.device.createQuerySet({ type: "timestamp", count }),
      resolved: this.resources.buffer(
        "timestamps",
        Math.ceil(count * 8 / resolveAlignment) * resolveAlignment,
        GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
      ),
      count,
    };
    return this.#queries;
  }

  #measureTick(): Promise<{ tick: number; zero: bigint; time: number }> {
    this.#scale ??= (async () => {
      const read = async () => {
        await this.resources.device.queue.onSubmittedWorkDone();
        const before = performance.now();
        const ticks = this.#submit(1, (encoder, marks) => encoder.beginComputePass(marks(0)).end());
        const time = (before + performance.now()) / 2;
        return { time, ticks: (await ticks)[0] };
      };
      const first = await read();
      await new Promise((resolve) => setTimeout(resolve, comparison));
      const last = await read();
      const measured = (last.time - first.time) / Number(last.ticks - first.ticks);
      const known = knownTicks.find((nanoseconds) =>
        Math.abs(measured / (nanoseconds / 1e6) - 1) < 0.05
      );
      const tick = known === undefined ? measured : known / 1e6;
      return { tick, zero: first.ticks, time: first.time };
    })();
    return this.#scale;
  }

  /** Milliseconds after which the host hears of a submit that does nothing. */
  #measureRound(): Promise<number> {
    this.#round ??= (async () => {
      const rounds: number[] = [];
      for (let turn = 0; turn < 5; turn++) rounds.push(await this.#hostTime(() => {}));
      return rounds.sort((a, b) => a - b)[2];
    })();
    return this.#round;
  }

  async #hostTime(encode: (pass: GPUComputePassEncoder) => void): Promise<number> {
    const { device, statistics } = this.resources;
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    encode(pass);
    pass.end();
    const commands = encoder.finish();
    await device.queue.onSubmittedWorkDone();
    const start = performance.now();
    device.queue.submit([commands]);
    statistics.submits++;
    await device.queue.onSubmittedWorkDone();
    return performance.now() - start;
  }
}
