import type { Tensor } from "../graph/tensor.ts";
import { type AnyModel, isModel } from "../nn/connect.ts";
import type { Loss } from "../nn/loss.ts";
import type { Metric } from "../nn/metric.ts";
import { tensorEntries, type Tensors } from "../nn/named.ts";
import type { ModelLayer } from "../nn/place_layer.ts";

/** A loss or a metric, and the output that it judges. */
export interface Judge {
  /** Name of the output. */
  readonly output: string | null;
  /** The loss or metric. */
  readonly judge: Loss | Metric;
}

/** Activations that give probabilities. */
const squashing = ["softmax", "sigmoid", "sparsemax", "hardSigmoid", "sparseSigmoid"];

/** Layers that give numbers of any size where they have no activation. */
const summing = /Dense$|Conv\dD/;

/**
 * Warns of losses and metrics that take outputs for probabilities where they are logits, or the other
 * way round: a network learns from either, and badly.
 *
 * @param model The model.
 * @param outputs What it gave; what an operator has made of that is its own affair.
 * @param judges The losses or metrics.
 * @returns Whether there was one.
 */
export function warnOfLogits(
  model: AnyModel,
  outputs: Tensors,
  judges: readonly Judge[],
): boolean {
  const given = new Map(tensorEntries(outputs));
  const warnings = judges.flatMap(({ output, judge }) => {
    const tensor = given.get(output);
    const place = tensor && model.structure.find(({ name }) => name === tensor.label);
    return place ? warningOf(judge, tensor, place) ?? [] : [];
  });
  for (const warning of warnings) console.error(`Warning: ${warning}.`);
  return warnings.length > 0;
}

function warningOf(judge: Loss | Metric, outputs: Tensor, place: ModelLayer): string | undefined {
  const activation = activationOf(place);
  const takesLogits = judge.takesLogits?.(outputs);
  if (takesLogits === undefined || activation === undefined) return;
  const isSquashed = activation !== "linear";
  if (takesLogits && isSquashed) {
    return `${judge.name} takes logits, while ${place.name} makes probabilities by its ` +
      `${activation}: leave out that, or fromLogits`;
  }
  if (!takesLogits && !isSquashed) {
    return `${judge.name} takes probabilities, while ${place.name} gives numbers of any size: ` +
      `${adviceFor(judge)}`;
  }
}

/** Which option makes of it one that takes logits. */
function adviceFor({ name }: Loss | Metric): string {
  if (name === "accuracy") return "use binaryAccuracy({ threshold: 0 })";
  return name === "binary_accuracy" ? "give it { threshold: 0 }" : "give it { fromLogits: true }";
}

/** What a layer ends with, "linear" for no activation; undefined where that says nothing. */
function activationOf({ layer }: ModelLayer): string | undefined {
  if (isModel(layer)) return;
  if (layer.type === "Softmax") return "softmax";
  if (layer.type !== "Activation" && !summing.test(layer.type)) return;
  const { activation = "linear" } = (layer.config ?? {}) as { activation?: unknown };
  return ["linear", ...squashing].find((known) => known === activation);
}
