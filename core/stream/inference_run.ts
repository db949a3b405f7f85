import { type AnyDataSet, type Inputs, sampleCount } from "../../data/data_set.ts";
import type { Device, Executable } from "../graph/device.ts";
import { DisposedError } from "../graph/errors.ts";
import { type Assignment, createProgram } from "../graph/program.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { AnyModel } from "../nn/connect.ts";
import type { Model } from "../nn/model.ts";
import { tensorEntries, type Tensors } from "../nn/named.ts";
import { applyModel } from "./apply_model.ts";
import type { LoadedData, ResidentData } from "./resident_data.ts";
import { Run } from "./run.ts";
import { settled } from "./settled.ts";

/** An array that was computed, row by row. */
export interface Computed {
  /** Its elements. */
  readonly data: Float32Array;
  /** Sizes of its axes. */
  readonly shape: readonly number[];
}

/** What is to be computed of a batch. */
export interface Computation {
  /** The results. */
  readonly tensors: readonly Tensor[];
  /** States that go on to the next batch; default none. */
  readonly assignments?: readonly Assignment[];
}

/** A model and inputs on a device, to compute with as training does not: with no dropout and no update. */
export class InferenceRun {
  readonly #run: Run;
  readonly #inputs: LoadedData;
  readonly #targets = new Map<unknown, LoadedData>();
  readonly #plans = new Map<
    unknown,
    Map<number, Computation & { plan: Executable }>
  >();

  /** How often other inputs have come: a model that draws random numbers draws others then. */
  #replaced = 0;
  #finished = false;

  /**
   * @param device Where it runs; it is disposed of at the end if it is `owned`, and if this throws.
   * @param model The model.
   * @param dataSet The inputs.
   * @param batchSize Samples that are computed at once, at most.
   */
  constructor(
    device: Device,
    owned: boolean,
    readonly model: AnyModel,
    dataSet: AnyDataSet,
    private readonly batchSize: number,
  ) {
    this.#run = new Run(device, owned, { seed: 0, samples: sampleCount(dataSet) });
    try {
      this.#run.addModel(model);
      this.#inputs = this.#run.load(dataSet, "prediction", batchSize);
    } catch (error) {
      this.#run.close();
      throw error;
    }
  }

  /** Samples of the inputs. */
  get samples(): number {
    return this.#inputs.samples;
  }

  /** Puts what the model's weights are by now in the place of the old ones. */
  refresh(): void {
    this.#run.weightTable.refresh();
  }

  /** Puts other inputs in the place of the first ones. */
  replace(x: Inputs): void {
    this.#replaced++;
    (this.#inputs as ResidentData).write({ x, y: { data: new Uint8Array(), shape: [0] } });
  }

  /** What a model of the same weights makes of rows; by default the model itself. */
  apply<O extends Tensors>(rows: Tensors, model?: Model<Tensor, O>): O {
    const applied = model ?? this.model as Model<Tensor, O>;
    return applyModel(this.#run, applied, this.#run.weightTable.leaves, rows as Tensor, false)
      .outputs;
  }

  /** What the model makes of rows, and of the states that go from batch to batch. */
  predict(rows: Tensors): Computation {
    const { leaves } = this.#run.weightTable;
    const { outputs, effect } = applyModel(this.#run, this.model, leaves, rows, false);
    const tensors = tensorEntries(outputs).map(([, tensor]) => tensor);
    return { tensors, assignments: effect?.assignments };
  }

  /** The whole numbers of a batch, `[count]`, i32, of a list with one for each sample. */
  targets(owner: unknown, numbers: Int32Array, count: number): Tensor {
    let loaded = this.#targets.get(owner);
    if (!loaded) {
      const shape = [numbers.length];
      const dataSet = {
        x: { data: new Uint8Array(numbers.length), shape },
        y: { data: numbers, shape },
      };
      loaded = this.#run.load(dataSet, "targets", this.batchSize);
      this.#targets.set(owner, loaded);
    }
    return loaded.batch(count).y as Tensor;
  }

  /**
   * Computes something of a batch.
   *
   * @param owner Whose computation it is: it is planned once for each count.
   * @param start First sample.
   * @param count Samples.
   * @param build Makes what is wanted of the inputs.
   * @throws {DisposedError} when all is freed, as the stream has been left in the meantime.
   */
  async compute(
    owner: unknown,
    start: number,
    count: number,
    build: (x: Tensors, count: number) => Computation,
  ): Promise<Computed[]> {
    if (this.#finished) throw new DisposedError("Cannot compute as the stream has been left");
    const { tensors, assignments, plan } = this.#planned(owner, count, build);
    const awaited = this.#inputs.bring(start);
    if (awaited) await awaited;
    this.#run.place(start, { batch: this.#replaced + start / this.batchSize });
    await plan.run(this.#run.scalarValues(plan));
    const states = assignments?.map(({ state }) => state) ?? [];
    for (const held of this.#run.weightTable.heldOf(states)) held.change();
    const found: Computed[] = [];
    for (const [place, { shape }] of tensors.entries()) {
      found.push({ data: Float32Array.from(await plan.read(place)), shape });
    }
    return found;
  }

  /** Frees everything, once the device is idle; the model then has the states that it goes on from. */
  async finish(): Promise<void> {
    this.#finished = true;
    for (const plans of this.#plans.values()) for (const { plan } of plans.values()) plan.dispose();
    // States go back to the model: whatever else it has been given since is newer.
    this.#run.weightTable.refresh();
    await this.#run.finish();
    await settled(this.model);
  }

  #planned(
    owner: unknown,
    count: number,
    build: (x: Tensors, count: number) => Computation,
  ) {
    const plans = this.#plans.get(owner) ?? new Map<number, Computation & { plan: Executable }>();
    this.#plans.set(owner, plans);
    let planned = plans.get(count);
    if (!planned) {
      const made = build(this.#inputs.batch(count).x, count);
      const plan = this.#run.prepare(createProgram(made.tensors, made.assignments ?? []));
      plans.set(count, planned = { ...made, plan });
    }
    return planned;
  }
}
