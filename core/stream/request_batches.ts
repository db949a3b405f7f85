import type { StoredInputs } from "../../data/data_set.ts";
import type { Device } from "../graph/device.ts";
import { sizeOf } from "../graph/shape.ts";
import type { AnyModel } from "../nn/connect.ts";
import { fromEntries, type NamedEntry, type OneOrNamed } from "../nn/named.ts";
import { inputShapes } from "./inference_data.ts";
import { type Computed, InferenceRun } from "./inference_run.ts";
import { stateBatchSize } from "./state_batch_size.ts";

/** What a model is to be applied to: some samples, with the numbers of each of its inputs. */
export interface Rows {
  /** How many samples. */
  readonly samples: number;
  /** The numbers of each input, in the order of the model's. */
  readonly inputs: readonly Float32Array[];
}

/** Applies a model to the rows of requests, several requests at once. */
export class RequestBatches {
  readonly #run: InferenceRun;
  /** Where requests are put side by side, as many samples as a batch has. */
  readonly #inputs: readonly NamedEntry<StoredInputs>[];
  readonly #isStateful: boolean;

  /** @param owned Whether the device goes with it. @param batchSize Samples at once, at most. */
  constructor(device: Device, owned: boolean, model: AnyModel, private readonly batchSize: number) {
    this.#isStateful = stateBatchSize([model]) !== undefined;
    this.#inputs = inputShapes(model).map(([name, sample]) => {
      const shape = [batchSize, ...sample];
      return [name, { shape, data: new Float32Array(sizeOf(shape)) }];
    });
    const y = { data: new Uint8Array(batchSize), shape: [batchSize] };
    const dataSet = { x: fromEntries(this.#inputs), y };
    this.#run = new InferenceRun(device, owned, model, dataSet, batchSize);
  }

  /**
   * The outputs for each request, one array for each of the model's.
   *
   * @param options Whether to `refresh` the weights: take those that the model has by now.
   */
  async compute(requests: readonly Rows[], { refresh = false } = {}): Promise<Computed[][]> {
    const samples = requests.reduce((sum, request) => sum + request.samples, 0);
    if (refresh) this.#run.refresh();
    this.#run.replace(this.#sideBySide(requests, samples));
    const made = await this.#run.compute(
      this,
      0,
      this.#count(samples),
      (x) => this.#run.predict(x),
    );
    let first = 0;
    return requests.map(({ samples }) => {
      const start = first;
      first += samples;
      return made.map(({ data, shape: [count, ...shape] }) => {
        const size = data.length / count;
        return {
          data: data.slice(start * size, first * size),
          shape: [samples, ...shape],
        };
      });
    });
  }

  /** Frees everything. */
  finish(): Promise<void> {
    return this.#run.finish();
  }

  /** A power of two, as each count has a plan; states belong to the places of a whole batch. */
  #count(samples: number): number {
    if (this.#isStateful) return samples;
    return Math.min(this.batchSize, 2 ** Math.ceil(Math.log2(samples)));
  }

  #sideBySide(requests: readonly Rows[], samples: number): OneOrNamed<StoredInputs> {
    return fromEntries(this.#inputs.map(([name, { data, shape: [, ...sample] }], place) => {
      let end = 0;
      for (const { inputs } of requests) {
        data.set(inputs[place], end);
        end += inputs[place].length;
      }
      return [name, { data: data.subarray(0, end), shape: [samples, ...sample] }] as const;
    }));
  }
}

/** The numbers that a model sees of stored inputs: a copy, which nobody changes later. */
export function numbersOf({ data, scale = 1, offset = 0 }: StoredInputs): Float32Array {
  if (scale === 1 && offset === 0) return Float32Array.from(data);
  // Rounded as devices do, so that the bits are those of predict.
  const factor = Math.fround(scale);
  return Float32Array.from(data, (value) => Math.fround(value * factor) + Math.fround(offset));
}
