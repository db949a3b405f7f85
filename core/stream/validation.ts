import type { DataSet } from "../../data/data_set.ts";
import type { Executable } from "../graph/device.ts";
import type { Tensor } from "../graph/tensor.ts";
import { applyModel } from "./apply_model.ts";
import type { Effect, Evaluation, RecordDefinition } from "./frame.ts";
import type { ResidentData } from "./resident_data.ts";
import type { Run } from "./run.ts";
import { lossTotal, weightPenalties } from "./score.ts";

/** Samples in a batch of validation: large, as nothing is kept for a backward pass. */
export const validationBatchSize = 1024;

interface Part {
  readonly executable: Executable;
  readonly records: readonly RecordDefinition[];
  readonly counts: readonly number[];
}

/** A data set on which losses and metrics are computed in inference mode, again and again. */
export class Validation {
  readonly #data: ResidentData;
  readonly #parts = new Map<number, Part>();

  /** Puts `dataSet` on the run's device. */
  constructor(
    private readonly run: Run,
    dataSet: DataSet,
    private readonly evaluations: readonly Evaluation[],
    private readonly batchSize: number = validationBatchSize,
  ) {
    this.#data = run.load(dataSet, "validation");
  }

  /** Losses and metrics over the whole set, by log name. */
  async logs(): Promise<Record<string, number>> {
    const { samples } = this.#data;
    for (let start = 0; start < samples; start += this.batchSize) {
      const { executable } = this.#part(Math.min(this.batchSize, samples - start));
      this.run.place(start);
      executable.run(this.run.scalarValues(executable));
    }
    const pieces = [...this.#parts.values()].map((part) => ({
      part,
      rows: part.executable.drain(),
    }));
    return sumUp(
      await Promise.all(pieces.map(async ({ part, rows }) => ({ part, rows: await rows }))),
    );
  }

  /** Frees the plans; the data go with the run. */
  dispose(): void {
    for (const { executable } of this.#parts.values()) executable.dispose();
    this.#parts.clear();
  }

  #part(count: number): Part {
    let part = this.#parts.get(count);
    if (!part) this.#parts.set(count, part = this.#prepare(count));
    return part;
  }

  #prepare(count: number): Part {
    const { x, y } = this.#data.batch(count);
    const records = this.evaluations.flatMap(({ model, loss, name, metrics }) => {
      this.run.addModel(model);
      const { leaves } = this.run.weightTable;
      const { outputs, penalties } = applyModel(this.run, model, leaves, x, false);
      const all = [...penalties, ...weightPenalties(model, leaves)];
      const total = lossTotal(loss.apply(y, outputs), all);
      const lossRecord: RecordDefinition = {
        name,
        total,
        count,
        result: (value, samples) => value / samples,
      };
      return [
        lossRecord,
        ...metrics.map((metric) => ({
          name: metric.name,
          ...metric.apply(y, outputs),
          result: (value: number, samples: number) => metric.result(value, samples),
        })),
      ];
    });
    const outputs: Tensor[] = records.map(({ total }) => total);
    const counts = records.map((record) =>
      typeof record.count === "number" ? -1 : outputs.push(record.count) - 1
    );
    return { executable: this.run.prepare(outputs, outputs.length), records, counts };
  }
}

/** The evaluations that a step's stages have asked for. */
export function evaluationsOf(effects: readonly Effect[]): Evaluation[] {
  const judged = effects.flatMap((effect) => effect.metrics ?? []);
  return effects.flatMap((effect) => effect.evaluation ?? []).map((evaluation, place, all) => ({
    ...evaluation,
    // The metrics of a model go with its first loss, so that each is computed once.
    metrics: all.findIndex(({ model }) => model === evaluation.model) === place
      ? judged.filter(({ model }) => model === evaluation.model).flatMap(({ metrics }) => metrics)
      : [],
  }));
}

function sumUp(pieces: readonly { part: Part; rows: Float64Array }[]): Record<string, number> {
  const sums = new Map<
    string,
    { total: number; count: number; result: RecordDefinition["result"] }
  >();
  for (const { part, rows } of pieces) {
    const width = part.records.length + part.counts.filter((index) => index >= 0).length;
    for (let row = 0; row * width < rows.length; row++) {
      part.records.forEach((record, place) => {
        const entry = sums.get(record.name) ?? { total: 0, count: 0, result: record.result };
        const index = part.counts[place];
        entry.total += rows[row * width + place];
        entry.count += index < 0 ? record.count as number : rows[row * width + index];
        sums.set(record.name, entry);
      });
    }
  }
  return Object.fromEntries([...sums].map(([name, { total, count, result }]) => [
    name,
    result(total, count),
  ]));
}
