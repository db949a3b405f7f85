import { type AnyModel, isModel } from "../nn/connect.ts";
import type { Loss } from "../nn/loss.ts";
import { tensorEntries, type Tensors } from "../nn/named.ts";
import type { ModelLayer } from "../nn/place_layer.ts";
import type { Criteria } from "./criteria.ts";

/** Activations that give probabilities. */
const squashing = ["softmax", "sigmoid", "sparsemax", "hardSigmoid", "sparseSigmoid"];

/** Layers that give numbers of any size where they have no activation. */
const summing = /Dense$|Conv\dD/;

/**
 * Warns of a loss that takes outputs for probabilities where they are logits, or the other way round: a
 * network learns from either, and badly.
 *
 * @param model The model.
 * @param outputs What it gave; what an operator has made of that is its own affair.
 * @param criteria The losses of the outputs.
 * @returns Whether there was one.
 */
export function warnOfLogits(model: AnyModel, outputs: Tensors, criteria: Criteria): boolean {
  if ("terms" in criteria) return false;
  const given = new Map(tensorEntries(outputs));
  const warnings = criteria.flatMap(({ output, loss }) => {
    const place = model.structure.find(({ name }) => name === given.get(output)?.label);
    return place ? warningOf(loss, place) ?? [] : [];
  });
  for (const warning of warnings) console.error(`Warning: ${warning}.`);
  return warnings.length > 0;
}

function warningOf({ name, fromLogits }: Loss, place: ModelLayer): string | undefined {
  const activation = activationOf(place);
  if (fromLogits === undefined || activation === undefined) return;
  const isSquashed = activation !== "linear";
  if (fromLogits && isSquashed) {
    return `${name} takes logits, while ${place.name} makes probabilities by its ${activation}: ` +
      `leave out that, or fromLogits`;
  }
  if (!fromLogits && !isSquashed) {
    return `${name} takes probabilities, while ${place.name} gives numbers of any size: give the ` +
      `loss { fromLogits: true }`;
  }
}

/** What a layer ends with, "linear" for no activation; undefined where that says nothing. */
function activationOf({ layer }: ModelLayer): string | undefined {
  if (isModel(layer)) return;
  if (layer.type === "Softmax") return "softmax";
  if (layer.type !== "Activation" && !summing.test(layer.type)) return;
  const { activation = "linear" } = (layer.config ?? {}) as { activation?: unknown };
  return ["linear", ...squashing].find((known) => known === activation);
}
