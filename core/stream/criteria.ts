import { Observable } from "rxjs";
import type { Tensor } from "../graph/tensor.ts";
import type { Loss } from "../nn/loss.ts";
import type { Metric } from "../nn/metric.ts";
import { entriesOf, listNames, type OneOrNamed, type Tensors } from "../nn/named.ts";
import type { Measured } from "./frame.ts";
import type { AnyLossFunction, JointCriterion, TermWeights } from "./loss_function.ts";
import { received } from "../state/received.ts";
import { checkScalarSource, type ScalarSource } from "../nn/scalar.ts";

/** A loss for the output, or losses by the names of outputs; an output without one is not trained. */
export type Losses<O extends Tensors = Tensor> = O extends Tensor ? Loss
  : { readonly [Name in keyof O]?: Loss };

/** The losses of a step: of its outputs one by one, or a function of all that it knows. */
export type Criteria = readonly Criterion[] | JointCriterion;

/**
 * Factors of the losses in their sum, by the names of outputs; 1 where there is none. The loss of a
 * model's only output has none.
 */
export type LossWeights<O extends Tensors = Tensor> = O extends Tensor
  ? Readonly<Record<string, never>>
  : { readonly [Name in keyof O]?: ScalarSource };

/** Metrics of the output, or metrics by the names of outputs. */
export type Metrics<O extends Tensors = Tensor> = O extends Tensor ? readonly Metric[]
  : { readonly [Name in keyof O]?: Metric | readonly Metric[] };

/** A loss and the output that it judges; `null` for a model's only one. */
export interface Criterion {
  /** Name of the output. */
  readonly output: string | null;
  /** Its loss. */
  readonly loss: Loss;
  /** Its factor in the sum. */
  readonly weight: ScalarSource;
}

/** The losses with their outputs and weights. */
export function criteriaOf(
  losses: OneOrNamed<Loss | undefined> | AnyLossFunction,
  lossWeights: Readonly<Record<string, ScalarSource | undefined>> = {},
): Criteria {
  if (!isRecord(lossWeights)) {
    throw new TypeError(
      `Cannot weigh losses as lossWeights must be factors by the names of outputs or terms, such as ` +
        `{ price: 0.5 }: received ${received(lossWeights)}`,
    );
  }
  // One that takes nothing looks at no step: it makes a loss, and was not called.
  if (typeof losses === "function" && losses.length > 0) {
    const weights = Object.entries(lossWeights).filter(([, weight]) => weight !== undefined);
    for (const [term, weight] of weights) checkScalarSource(`the loss weight of ${term}`, weight!);
    return { terms: losses, weights: Object.fromEntries(weights) as TermWeights };
  }
  if (typeof losses !== "object" || losses === null) {
    throw new TypeError(
      `Cannot score outputs as a loss must be one, such as meanSquaredError(): received ` +
        received(losses),
    );
  }
  const entries = entriesOf<Loss | undefined>(losses, isLoss).filter(([, loss]) => loss);
  const names = entries.map(([output]) => output);
  if (names.length === 0) {
    throw new TypeError("Cannot score without a loss: give one for an output of the model");
  }
  for (const [output, loss] of entries) {
    if (!isLoss(loss)) {
      throw new TypeError(
        `Cannot score the output ${output} as its loss has no apply: received ${received(loss)}`,
      );
    }
  }
  const strange = Object.keys(lossWeights).find((name) => !names.includes(name));
  if (strange !== undefined) {
    throw new RangeError(
      `Cannot weigh the loss of ${strange} as there are losses for ${listNames(names)} alone`,
    );
  }
  return entries.map(([output, loss]) => {
    const weight = output === null ? 1 : lossWeights[output] ?? 1;
    return {
      output,
      loss: loss!,
      weight: checkScalarSource(`the loss weight of ${output}`, weight),
    };
  });
}

/** The weights of losses, by the names of outputs or terms. */
export function weightsOf(criteria: Criteria): (readonly [string | null, ScalarSource])[] {
  return "terms" in criteria
    ? Object.entries(criteria.weights)
    : criteria.map(({ output, weight }) => [output, weight] as const);
}

/**
 * The metrics with their outputs and log names, `accuracy` or `kind_accuracy`; a weighted one whose
 * name is taken is `weighted_accuracy` or `kind_weighted_accuracy`.
 */
export function measuredBy(
  metrics: readonly Metric[] | Readonly<Record<string, Metric | readonly Metric[] | undefined>>,
  weighted: boolean,
  taken: ReadonlySet<string>,
): Measured[] {
  if (
    typeof metrics !== "object" || metrics === null ||
    typeof metrics["apply" as never] === "function"
  ) {
    throw new TypeError(
      `Cannot measure outputs as metrics must be a list, such as [accuracy()], or by the names of ` +
        `outputs: received ${received(metrics)}`,
    );
  }
  const entries: [output: string | null, metric: Metric][] = Array.isArray(metrics)
    ? (metrics as readonly Metric[]).map((metric) => [null, metric])
    : Object.entries(metrics).flatMap(([output, given]) =>
      [given ?? []].flat().map((metric): [string, Metric] => [output, metric as Metric])
    );
  return entries.map(([output, metric]) => {
    if (
      typeof metric !== "object" || typeof metric?.apply !== "function" ||
      typeof metric.name !== "string"
    ) {
      throw new TypeError(
        `Cannot measure outputs as a metric must be one, such as accuracy(): received ` +
          received(metric),
      );
    }
    const prefix = output === null ? "" : `${output}_`;
    const plain = `${prefix}${metric.name}`;
    const name = weighted && taken.has(plain) ? `${prefix}weighted_${metric.name}` : plain;
    return { metric, output, name, weighted };
  });
}

/** Whether it is an object with names; a hyperparameter is a number for one loss. */
function isRecord(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof Observable);
}

function isLoss(value: unknown): boolean {
  return typeof value === "object" && value !== null && "apply" in value &&
    typeof value.apply === "function";
}
