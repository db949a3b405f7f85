import { type AnyDataSet, sampleCount } from "../../data/data_set.ts";
import type { Device, Executable, Storage } from "../graph/device.ts";
import { DTypeError } from "../graph/errors.ts";
import type { Program } from "../graph/program.ts";
import type { Ceilings } from "../graph/profile.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { ApplyContext } from "../nn/layer.ts";
import type { AnyModel } from "../nn/connect.ts";
import { Collector } from "./collector.ts";
import type { EndReason, RunControl, RunDescription, SavedFile, Snapshot } from "./epoch.ts";
import { nonFiniteError } from "./find_non_finite.ts";
import { modelsText } from "./file_models.ts";
import type { Frame } from "./frame.ts";
import type { Interlude } from "./interlude.ts";
import { layerContext } from "./layer_context.ts";
import type { KeptState } from "./kept_state.ts";
import { ceilingsOf, profileStep } from "./profiles.ts";
import type { LoadedData } from "./resident_data.ts";
import { describeRun } from "./run_description.ts";
import { RunStates } from "./run_states.ts";
import { RunSaver } from "./run_saver.ts";
import { SameCollections } from "./same_collections.ts";
import type { RunSettings, SavedPosition, SavedRun } from "./saved_run.ts";
import { ScalarTable } from "./scalar_table.ts";
import { StepPlans } from "./step_plans.ts";
import { loadData, type Loader } from "./streamed_data.ts";
import { WeightTable } from "./weight_table.ts";

/** One training run: the device, everything on it, and the plans of its steps. */
export class Run implements RunControl {
  reason: EndReason | undefined;
  explanation: string | undefined;
  announced = false;
  /** Batches of training and of validation when the pipe is tried; `undefined` when it is not. */
  rehearsal: number | undefined;
  /** Weights and optimizer states. */
  readonly weightTable: WeightTable;
  /** Numbers that change between steps. */
  readonly scalars: ScalarTable;
  /** What stages and operators have put together. */
  readonly collections: SameCollections = new SameCollections();
  /** Values that steps have recorded. */
  readonly collector: Collector = new Collector();
  /** The step that is being staged or was last. */
  frame: Frame | undefined;
  /** Where the present batch begins in its data set, and the step's number. */
  #position = { start: 0, step: 0 };
  /** Number of the batch among those of a validation: each has its random numbers. */
  #batch = 0;
  #forwards = 0;
  /** True once the operators below have seen the epoch that the last step has ended. */
  epochGiven = false;
  /** Says whether nothing is under way but what the device still has to do. */
  quiet: () => boolean = () => true;
  /** Samples of the validation set, once `epochs` has said so. */
  validationSamples: number | undefined;
  /** Epochs that the source will run, `Infinity` for no end. */
  epochs = Infinity;
  /** What operators do between two epochs. */
  readonly interludes: Interlude[] = [];
  /** True between the last step of an epoch and the next step; a resumed run may begin there. */
  #betweenEpochs = true;
  readonly #data: LoadedData[] = [];
  readonly #models = new Set<AnyModel>();
  /** Files that operators have asked for. */
  readonly saver: RunSaver;
  readonly #states: RunStates;
  readonly #plans: StepPlans;
  /** True once weights are back in their models and memory is freed. */
  closed = false;

  /**
   * @param device Where it runs; the run disposes of it at its end if it is `owned`.
   * @param saved The run that goes on, if one does.
   */
  constructor(
    readonly device: Device,
    private readonly owned: boolean,
    private readonly settings: Pick<RunSettings, "seed" | "samples"> & Partial<RunSettings>,
    readonly saved?: SavedRun,
  ) {
    this.weightTable = new WeightTable(device, saved, (action) => this.afterStep(action));
    this.scalars = new ScalarTable(settings.seed, () => this.#position.step - 1);
    this.#states = new RunStates(this.weightTable, saved);
    this.saver = new RunSaver(this, this.#states, settings as RunSettings);
    this.keep("hyperparameters", this.scalars);
    this.keep("logs", this.collector);
    this.keep("logged", this.collector.logged);
    this.#plans = new StepPlans(this, (leaf) => this.#bind(leaf));
    this.collector.onNonFinite = (name, value, step, start) => {
      this.#endInterludes();
      return nonFiniteError(this, { name, value, step, start });
    };
  }

  /** Puts a data set on the device, or, where it reads its rows, makes room for some batches. */
  load(data: AnyDataSet, name: string, batchSize: number, make: Loader = loadData): LoadedData {
    const window = `window ${this.#data.length + 1}`;
    const start = (size?: number) =>
      size === undefined
        ? this.scalars.computed("start", () => this.#position.start, "u32")
        : this.scalars.computed(window, () => this.#position.start % size, "u32");
    const loaded = make(this.device, data, { batchSize, name, start });
    this.#data.push(loaded);
    if (name === "validation") this.validationSamples = sampleCount(data);
    return loaded;
  }

  /** What comes before the names of random keys in the next forward stage: each draws others. */
  nextStream(): string {
    return this.#forwards++ === 0 ? "" : `forward_${this.#forwards}/`;
  }

  /** What layers may ask for: `training` decides whether dropout acts; `stream`: {@link nextStream}. */
  context(training: boolean, stream = ""): ApplyContext {
    const draw = () => (this.#position.step + Math.imul(this.#batch, 0x9e3779b9)) >>> 0;
    return layerContext(this.scalars, { training, stream, draw });
  }

  /** Puts a model's weights on the device, unless they are there. */
  addModel(model: AnyModel): void {
    if (this.#models.has(model)) return;
    this.#models.add(model);
    this.weightTable.add(model);
  }

  get isRehearsal(): boolean {
    return this.rehearsal !== undefined;
  }

  keep(kind: string, state: KeptState): string {
    return this.#states.keep(kind, state);
  }

  /** The last step that was made, maybe before a resume. */
  get position(): SavedPosition {
    const { epoch = 0, step = 0, stepInEpoch = 0, stepsPerEpoch = 0 } = this.frame ??
      this.saved?.position ?? {};
    return { epoch, step, stepInEpoch, stepsPerEpoch };
  }

  /** To be called once all operators have met the run: throws if a saved state is left over. */
  checkResumed(): void {
    this.#states.checkClaimed();
  }

  save(
    metadata: Readonly<Record<string, string>>,
    write: (file: SavedFile) => Promise<void>,
  ): Promise<void> {
    return this.saver.save(metadata, write);
  }

  /** Calls an action once the step that is being made, if one is, has run or failed. */
  afterStep(action: () => void): void {
    if (this.frame) this.frame.whenRun(action);
    else action();
  }

  /** Runs the step that the stages have described. */
  execute(frame: Frame): Promise<void> | undefined {
    if (frame.effects.length === 0 && frame.reads.length === 0) {
      frame.profilers?.forEach((receive) => receive(null));
      this.collector.idle(frame);
      return;
    }
    this.#endInterludes();
    this.weightTable.refresh();
    const planned = this.#plans.get(frame);
    this.#position = frame;
    this.#batch = 0;
    const { executable, providers, values, firstRead } = planned;
    for (let place = 0; place < providers.length; place++) values[place] = providers[place]();
    if (frame.wanted || frame.stepInEpoch === frame.stepsPerEpoch) {
      frame.learningRates = this.#learningRates(frame);
    }
    const done = frame.profilers
      ? profileStep(executable, values, frame.profilers)
      : executable.run(values);
    for (const held of planned.changes) held.change();
    this.collector.ran(executable, frame);
    frame.answer((place) => executable.read(firstRead + place));
    if (frame.stepInEpoch === frame.stepsPerEpoch) {
      this.#betweenEpochs = true;
      for (const interlude of this.interludes) interlude.begin(frame);
    }
    return done;
  }

  #endInterludes(): void {
    if (!this.#betweenEpochs) return;
    this.#betweenEpochs = false;
    for (const interlude of this.interludes.toReversed()) interlude.end();
  }

  /** `learning_rate`, and `learning_rate_2` … for further optimizers of the pipe. */
  #learningRates({ effects }: Frame): Record<string, number> {
    const scalars = effects.flatMap(({ learningRate }) => learningRate ?? []);
    return Object.fromEntries(scalars.map((scalar, place) => [
      place === 0 ? "learning_rate" : `learning_rate_${place + 1}`,
      this.scalars.provider(scalar)(),
    ]));
  }

  /** The most that the device can do. */
  ceilings(): Promise<Ceilings> {
    return ceilingsOf(this.device);
  }

  /** Says where the next batch begins, and at which step; for programs that are no steps. */
  place(start: number, { step = this.#position.step, batch = 0 } = {}): void {
    this.#position = { start, step };
    this.#batch = batch;
  }

  /** What is trained on. */
  get training(): LoadedData {
    return this.#data[0];
  }

  /** A program of this run that is not a step: validation, prediction, diagnosis. */
  prepare(program: Program, recorded = 0, own?: ReadonlyMap<Tensor, Storage>): Executable {
    return this.device.prepare(program, (leaf) => own?.get(leaf) ?? this.#bind(leaf), { recorded });
  }

  /** The present values of an executable's scalars. */
  scalarValues(executable: Executable): Float64Array {
    return Float64Array.from(executable.scalars, (leaf) => this.scalars.provider(leaf)());
  }

  /** See {@link RunControl.decided}. */
  get decided(): Promise<void> | undefined {
    return this.device.decided;
  }

  describe(): RunDescription {
    return describeRun(this, [...this.#models], this.settings);
  }

  snapshot(): Snapshot {
    return this.weightTable.snapshot();
  }

  restore(snapshot: Snapshot): void {
    this.weightTable.restore(snapshot);
    for (const interlude of this.interludes) interlude.supersede();
  }

  get modelTexts(): Readonly<Record<string, string>> {
    return modelsText(this.weightTable.models);
  }

  weights(): ReturnType<WeightTable["read"]> {
    return this.weightTable.read();
  }

  /** Ends the run: weights go back to their models, everything on the device is freed. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.saver.end();
    this.collector.end(new Error("The run has ended before this step's values were read"));
    this.scalars.dispose();
    this.weightTable.release();
    this.#plans.dispose();
    for (const data of this.#data) data.dispose();
    if (!this.owned) return;
    if (this.weightTable.releasing || this.saver.isReading) {
      void Promise.allSettled([this.weightTable.released(), this.saver.captured()])
        .finally(() => this.device.dispose());
    } else this.device.dispose();
  }

  /** Ends the run once the device is idle: nothing is left under way. */
  async finish(): Promise<void> {
    await this.device.idle();
    this.close();
  }

  #bind(leaf: Tensor): Storage {
    const storage = this.weightTable.storage(leaf) ??
      this.#data.map((data) => data.storage(leaf)).find((found) => found);
    if (!storage) {
      throw new DTypeError(
        `Cannot find the memory of "${leaf.attributes.name ?? leaf.describe()}": a tensor of ` +
          `another run was used in this one (make constants with tensor())`,
      );
    }
    return storage;
  }
}
