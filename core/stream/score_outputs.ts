import { ShapeError } from "../graph/errors.ts";
import { formatShape } from "../graph/shape.ts";
import { Tensor } from "../graph/tensor.ts";
import type { Loss } from "../nn/loss.ts";
import type { Metric } from "../nn/metric.ts";
import { listNames, tensorEntries, type Tensors } from "../nn/named.ts";
import type { ScalarSource } from "../nn/scalar.ts";
import { add } from "../ops/add.ts";
import { cast } from "../ops/cast.ts";
import { mul } from "../ops/mul.ts";
import { reshape } from "../ops/reshape.ts";
import { mean } from "../ops/sum.ts";
import { received } from "../state/received.ts";
import type { LabelUse } from "./class_ids.ts";
import { checkWeighted } from "./class_weight.ts";
import type { Criteria } from "./criteria.ts";
import type { Measured } from "./frame.ts";
import { type LossAccess, type ScoredTerm, scoreTerms } from "./loss_function.ts";
import { asSamples, type Compared } from "./masked_steps.ts";
import type { RecordDefinition } from "./record_layout.ts";
import { loggedLoss, type Score, score, type ScoreOptions, withPenalties } from "./score.ts";

/** What a step, or a validation, knows of a batch that went through a model. */
export interface Judged {
  /** The model's outputs. */
  readonly outputs: Tensors;
  /** The targets. */
  readonly targets: Tensors;
  /** Which steps of the outputs count, by name. */
  readonly masks: ReadonlyMap<string | null, Tensor>;
}

/** As {@link Judged}, with what the model was given. */
export interface JudgedBatch extends Judged {
  /** The inputs. */
  readonly inputs: Tensors;
  /** What a loss function may ask for. */
  readonly access: LossAccess;
}

/** What {@link scoreOutputs} is given beside outputs and targets. */
export interface OutputScoreOptions extends ScoreOptions {
  /** Log name of the whole loss. */
  readonly name: string;
  /** Scalars to add to the whole loss. */
  readonly penalties: readonly Tensor[];
  /** Makes a scalar of the step from a number or a stream. */
  scalar(source: ScalarSource, name: string): Tensor;
}

/** A loss to train by, and what to log of it. */
export interface OutputScore {
  /** What training makes small: the weighted sum of all losses, and all penalties. Rank 0. */
  readonly value: Tensor;
  /**
   * What it was divided by, as the number of steps that count, where that is one for all outputs;
   * `null` where it is a sum.
   */
  readonly count: Tensor | number | null | undefined;
  /** The loss, and those of outputs that have names, without their weights, as `kind_loss`. */
  readonly records: readonly RecordDefinition[];
}

/** A loss in the sum of all. */
interface Part extends ScoredTerm {
  /** Which targets it takes as class ids. */
  readonly labels: readonly LabelUse[];
}

/** Compares outputs with targets, each by its own loss or all by a function. */
export function scoreOutputs(
  criteria: Criteria,
  judged: JudgedBatch,
  options: OutputScoreOptions,
): OutputScore {
  const { name, penalties } = options;
  const parts = partsOf(criteria, judged, options).map((part) => {
    const { plain, weight } = part;
    const weighted = weight === 1
      ? plain
      : scaled(plain, options.scalar(weight, lossWeightName(name, part.name)));
    return { ...part, weighted };
  });
  const whole = withPenalties(parts.map(({ weighted }) => weighted).reduce(together), penalties);
  const record = (log: string, { totals }: Score): RecordDefinition => (
    { name: log, totals: totals.flat(), result: loggedLoss, direction: "min" }
  );
  const named = parts.filter((part) => part.name !== null);
  return {
    value: whole.value,
    count: options.reduction === "sum"
      ? null
      : whole.totals.length === 1
      ? whole.totals[0][1]
      : undefined,
    records: [
      { ...record(name, whole), guarded: true, labels: parts.flatMap(({ labels }) => labels) },
      ...named.map((part) => record(`${part.name}_${name}`, part.plain)),
    ],
  };
}

function partsOf(criteria: Criteria, judged: JudgedBatch, options: ScoreOptions): Part[] {
  if ("terms" in criteria) {
    const { inputs: x, targets: y, outputs, access: { context, weightsOf } } = judged;
    return scoreTerms(criteria, { x, y, outputs, context, weightsOf }, options).map((term) => ({
      ...term,
      labels: [],
    }));
  }
  return criteria.map(({ output, loss, weight }) => {
    const picked = pick(output, judged, options);
    const classes = loss.classIds?.count(picked.outputs, picked.targets);
    if (options.classWeights && classes) checkWeighted(options.classWeights, classes);
    const plain = scoreOutput(loss, picked, options);
    return { name: output, plain, weight, labels: labelUses(loss, picked, ignoredLabels([loss])) };
  });
}

/**
 * What to log of metrics.
 *
 * @param criteria The losses: labels that one of them ignores are none for the metrics of its output.
 */
export function measureRecords(
  measured: readonly Measured[],
  judged: Judged,
  weights: Pick<Compared, "sampleWeight" | "classWeights">,
  criteria: Criteria,
): RecordDefinition[] {
  const losses = "terms" in criteria ? [] : criteria;
  return measured.map(({ metric, output, name, weighted }) => {
    const picked = pick(output, judged, weighted ? weights : { sampleWeight: null });
    const ignored = ignoredLabels([
      metric,
      ...losses.filter((criterion) => criterion.output === output).map(({ loss }) => loss),
    ]);
    return {
      name,
      direction: metric.direction,
      totals: measureOutput(metric, picked, ignored),
      labels: labelUses(metric, picked, ignored),
      add: metric.add && ((totals, batch) => metric.add!(totals, batch)),
      result: (...totals) => metric.result(...totals),
    };
  });
}

/** Which targets a loss or a metric takes as class ids. */
function labelUses(
  { name, classIds }: Loss | Metric,
  { targets, outputs, mask }: Compared,
  ignored: readonly number[],
): LabelUse[] {
  const classes = classIds?.count(outputs, targets);
  // Steps that a mask leaves out may have any label.
  if (classes === undefined || mask) return [];
  return [{ targets, by: name, classes, ignored }];
}

/** Labels that stand for no class, of losses and metrics that take the same targets. */
function ignoredLabels(all: readonly (Loss | Metric)[]): number[] {
  const labels = all.flatMap(({ classIds }) => classIds?.ignored ?? []);
  return [...new Set(labels)];
}

function measureOutput(
  metric: Metric,
  picked: Compared,
  ignored: readonly number[],
): readonly (Tensor | number)[] {
  if (metric.supportsMasking) {
    const { targets, outputs, sampleWeight, mask } = picked;
    return metric.apply(targets, outputs, sampleWeight ?? undefined, mask);
  }
  const { targets, outputs, sampleWeight, counted } = asSamples(picked, metric.classIds, ignored);
  return metric.apply(targets, outputs, sampleWeight ?? (counted && cast(counted, "f32")));
}

/** Name of the scalar that is the factor of an output's loss. */
export function lossWeightName(name: string, output: string | null): string {
  return `${name}_weights/${output}`;
}

/** The loss of one output. */
function scoreOutput(loss: Loss, picked: Compared, { reduction }: ScoreOptions): Score {
  if (loss.supportsMasking) {
    const { targets, outputs, sampleWeight, mask } = picked;
    const losses = ofSamples(loss, loss.apply(targets, outputs, mask), outputs.shape[0]);
    return score(losses, { reduction, sampleWeight });
  }
  const { targets, outputs, sampleWeight, counted } = asSamples(
    picked,
    loss.classIds,
    ignoredLabels([loss]),
  );
  const losses = ofSamples(loss, loss.apply(targets, outputs), outputs.shape[0]);
  return score(losses, { reduction, sampleWeight, counted });
}

/** The losses of so many samples, `[batch]`: of other axes the mean, as weights are one a sample. */
function ofSamples({ name }: Loss, losses: Tensor, samples: number): Tensor {
  if (losses instanceof Tensor && losses.dtype === "f32" && losses.shape[0] === samples) {
    return losses.rank === 1 ? losses : mean(reshape(losses, [samples, losses.size / samples]), 1);
  }
  throw new ShapeError(
    `Cannot score outputs by ${name} as its apply must give a number for each sample, ` +
      `${formatShape([samples])} f32: received ` +
      `${losses instanceof Tensor ? losses.describe() : received(losses)} (take the mean over ` +
      `all axes but the first)`,
  );
}

function scaled({ value, totals }: Score, factor: Tensor): Score {
  const [first, ...others] = totals.map(([total, count]) => [mul(total, factor), count] as const);
  return { value: mul(value, factor), totals: [first, ...others] };
}

/** The sum of two losses; where other numbers of samples count, each is a mean of its own. */
function together(one: Score, other: Score): Score {
  const value = add(one.value, other.value);
  const [[total, count], ...others] = one.totals;
  const [[added, by]] = other.totals;
  return count === by
    ? { value, totals: [[add(total, added), count], ...others] }
    : { value, totals: [...one.totals, ...other.totals] };
}

/** Targets and output of a name. */
function pick(
  output: string | null,
  { targets, outputs, masks }: Judged,
  { sampleWeight, classWeights }: Pick<Compared, "sampleWeight" | "classWeights">,
): Compared {
  const found = find("outputs", output, outputs);
  const mask = masks.get(output);
  return {
    outputs: found,
    targets: find("targets", output, targets),
    mask,
    sampleWeight,
    classWeights,
  };
}

function find(what: string, output: string | null, tensors: Tensors): Tensor {
  const entries = tensorEntries(tensors);
  const found = entries.find(([name]) => name === output);
  if (found) return found[1];
  const wanted = output === null
    ? "one loss or list of metrics was given for a model of one output"
    : `a loss or metric was given for the output ${output}`;
  throw new TypeError(
    `Cannot judge the ${what} as ${wanted}: received ${what} ${
      listNames(entries.map(([name]) => name))
    }${what === "targets" && output !== null ? ` (give targets by name: { ${output}: … })` : ""}`,
  );
}
