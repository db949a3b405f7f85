import { type AnyDataSet, sampleCount } from "../../data/data_set.ts";
import type { Executable, Storage } from "../graph/device.ts";
import { stateLeaf } from "../graph/leaf.ts";
import { type Assignment, createProgram } from "../graph/program.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { AnyModel } from "../nn/connect.ts";
import type { Parameter } from "../nn/parameter.ts";
import { applyModel } from "./apply_model.ts";
import { checkLabelUses } from "./class_ids.ts";
import type { Effect, Evaluation } from "./frame.ts";
import { RecordLayout, RecordSums } from "./record_layout.ts";
import type { LoadedData } from "./resident_data.ts";
import type { Run } from "./run.ts";
import { weightPenalties } from "./score.ts";
import { measureRecords, scoreOutputs } from "./score_outputs.ts";
import { stateBatchSize } from "./state_batch_size.ts";
import { Turns } from "./yield_to_events.ts";

/** Samples in a batch of validation at most: large, as nothing is kept for a backward pass. */
export const validationBatchSize = 1024;

/** Samples in each of as few batches as there can be, all alike: a last one would have its own plan. */
function evenBatchSize(samples: number): number {
  return Math.ceil(samples / Math.ceil(samples / validationBatchSize));
}

/** Recorded numbers that may wait on the device. */
const mostWaiting = 2 ** 20;

interface Part {
  readonly executable: Executable;
  readonly layout: RecordLayout;
}

/** A data set on which losses and metrics are computed in inference mode, again and again. */
export class Validation {
  readonly #data: LoadedData;
  readonly #parts = new Map<number, Part>();
  readonly #batchSize: number;
  /** The states of stateful layers, by their weights: validation has its own. */
  readonly #states = new Map<Parameter, { readonly leaf: Tensor; readonly storage: Storage }>();
  readonly #turns = new Turns();
  #disposed = false;

  /** Puts `dataSet` on the run's device. */
  constructor(
    private readonly run: Run,
    dataSet: AnyDataSet,
    private evaluations: readonly Evaluation[],
    batchSize?: number,
  ) {
    this.#batchSize = batchSize ?? stateBatchSize(evaluations.map(({ model }) => model)) ??
      evenBatchSize(sampleCount(dataSet));
    this.#data = run.load(dataSet, "validation", this.#batchSize);
  }

  /**
   * Goes on with the weights that stand in for others now, of which some come as a weight begins to
   * learn; and with models that steps have come through since.
   */
  follow(evaluations: readonly Evaluation[]): void {
    const same = evaluations.every(({ name, weights }, place) =>
      name === this.evaluations[place]?.name &&
      sameEntries(weights, this.evaluations[place].weights)
    );
    if (same && evaluations.length === this.evaluations.length) return;
    this.evaluations = evaluations;
    this.#disposeParts();
  }

  /** Losses and metrics over the whole set, or its first so many batches; of fewer once disposed. */
  async measure(limit = Infinity): Promise<RecordSums> {
    const samples = Math.min(this.#data.samples, limit * this.#batchSize);
    const sums = new RecordSums();
    for (const { leaf, storage } of this.#states.values()) {
      storage.write(new Float32Array(leaf.size));
    }
    let waiting = 0;
    for (let start = 0; start < samples; start += this.#batchSize) {
      const { executable, layout } = this.#part(Math.min(this.#batchSize, samples - start));
      const awaited = this.#data.bring(start);
      if (awaited) await awaited;
      const turn = this.#turns.due();
      if (turn) await turn;
      if (this.#disposed) return sums;
      this.run.place(start, { batch: start / this.#batchSize });
      executable.run(this.run.scalarValues(executable));
      waiting += layout.width;
      if (waiting <= mostWaiting) continue;
      waiting = 0;
      await this.#drain(sums);
    }
    await this.#drain(sums);
    return sums;
  }

  /** Frees the plans; the data go with the run. */
  dispose(): void {
    this.#disposed = true;
    this.#turns.stop();
    this.#disposeParts();
    for (const { storage } of this.#states.values()) storage.dispose();
    this.#states.clear();
  }

  #disposeParts(): void {
    for (const { executable } of this.#parts.values()) executable.dispose();
    this.#parts.clear();
  }

  #part(count: number): Part {
    let part = this.#parts.get(count);
    if (!part) this.#parts.set(count, part = this.#prepare(count));
    return part;
  }

  #prepare(count: number): Part {
    const { x, y, sampleWeight } = this.#data.batch(count);
    const { scalars } = this.run;
    const assignments: Assignment[] = [];
    const records = this.evaluations.flatMap((evaluation) => {
      const { model, criteria, name, reduction, metrics } = evaluation;
      this.run.addModel(model);
      const leaves = new Map([
        ...this.run.weightTable.leaves,
        ...evaluation.weights ?? [],
        ...this.#statesOf(model),
      ]);
      const { outputs, masks, penalties, effect } = applyModel(
        ...[this.run, model, leaves, x, false, leaves] as const,
      );
      assignments.push(...effect?.assignments ?? []);
      const weightsOf = (other: AnyModel) => {
        this.run.addModel(other);
        const { leaves: present } = this.run.weightTable;
        return new Map(
          other.parameters.map((weight) => [weight, leaves.get(weight) ?? present.get(weight)!]),
        );
      };
      const access = { context: this.run.context(false), weightsOf };
      const judged = { inputs: x, outputs, targets: y, masks, access };
      const { records } = scoreOutputs(criteria, judged, {
        name,
        penalties: [...penalties, ...weightPenalties(model, leaves)],
        reduction,
        sampleWeight,
        scalar: (source, scalar) => scalars.scalar(source, scalar),
      });
      return [...records, ...measureRecords(metrics, judged, { sampleWeight }, criteria)];
    });
    checkLabelUses(
      records.flatMap(({ labels = [] }) => labels),
      (targets, ids) => this.#data.checkClassIds(targets, ids),
    );
    const layout = new RecordLayout(records);
    const own = new Map([...this.#states.values()].map(({ leaf, storage }) => [leaf, storage]));
    const program = createProgram(layout.outputs, assignments);
    return { executable: this.run.prepare(program, layout.outputs.length, own), layout };
  }

  /** The leaves that stand for the states of a model; they are zeros when they are made. */
  #statesOf(model: AnyModel): [Parameter, Tensor][] {
    return model.parameters.filter(({ state }) => state).map((parameter) => {
      let state = this.#states.get(parameter);
      if (!state) {
        const name = `validation/${model.nameOf(parameter)}`;
        const leaf = stateLeaf(name, parameter.shape);
        state = { leaf, storage: this.run.device.allocate("f32", leaf.size, name) };
        this.#states.set(parameter, state);
      }
      return [parameter, state.leaf];
    });
  }

  /** Adds what the plans have recorded. */
  async #drain(sums: RecordSums): Promise<void> {
    const drained = [...this.#parts.values()].map(({ executable, layout }) => ({
      layout,
      rows: executable.drain(),
    }));
    for (const { layout, rows } of drained) {
      const ready = await rows;
      for (let at = 0; at < ready.length; at += layout.width) layout.add(sums, ready, at);
    }
  }
}

function sameEntries<Key, Value>(
  one: ReadonlyMap<Key, Value> = new Map(),
  other: ReadonlyMap<Key, Value> = new Map(),
): boolean {
  return one.size === other.size && [...one].every(([key, value]) => other.get(key) === value);
}

/** The evaluations that a step's stages have asked for. */
export function evaluationsOf(effects: readonly Effect[]): Evaluation[] {
  const judged = effects.flatMap((effect) => effect.metrics ?? []);
  const weights = new Map(effects.flatMap((effect) => [...effect.evaluationWeights ?? []]));
  return effects.flatMap((effect) => effect.evaluation ?? []).map((evaluation, place, all) => ({
    ...evaluation,
    weights,
    // The metrics of a model go with its first loss, so that each is computed once.
    metrics: all.findIndex(({ model }) => model === evaluation.model) === place
      ? judged.filter(({ model }) => model === evaluation.model).flatMap(({ metrics }) => metrics)
      : [],
  }));
}
