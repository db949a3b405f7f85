import { activation, type ActivationOptions } from "../layers/activation.ts";
import * as layers from "../layers/activations/mod.ts";
import { prelu, type PreluOptions } from "../layers/prelu.ts";
import { reluLayer, type ReluLayerOptions } from "../layers/relu_layer.ts";
import { entry, type LayerEntry, plain, weighted } from "./layer_entry.ts";
import {
  activation as activationName,
  initializer,
  number,
  numbers,
  oneOrMore,
  part,
} from "./option_readers.ts";

/** Layers that apply an activation, by type. */
export const activationEntries: Readonly<Record<string, LayerEntry>> = {
  Activation: entry<ActivationOptions & { activation: "linear" }>(
    { ...plain, activation: activationName },
    ({ activation: name, ...options }) => activation(name, options),
  ),
  ELU: entry<layers.EluOptions>({ ...plain, alpha: number }, layers.eluLayer),
  LeakyReLU: entry<layers.LeakyReluOptions>(
    { ...plain, negativeSlope: number },
    layers.leakyReluLayer,
  ),
  PReLU: entry<PreluOptions>({
    ...weighted,
    alphaInitializer: initializer,
    alphaRegularizer: part,
    alphaConstraint: part,
    sharedAxes: numbers,
  }, prelu),
  ReLU: entry<ReluLayerOptions>(
    { ...plain, maxValue: number, negativeSlope: number, threshold: number },
    reluLayer,
  ),
  Softmax: entry<layers.SoftmaxOptions>({ ...plain, axis: oneOrMore }, layers.softmaxLayer),
};
