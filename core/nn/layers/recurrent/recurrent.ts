import type { Shape } from "../../../graph/shape.ts";
import type { Mask } from "../../mask.ts";
import { stateNames } from "./recurrent_inputs.ts";
import type {
  LstmOutputs,
  RecurrentLayer,
  RecurrentOutputs,
  ReturnsState,
} from "./recurrent_layer.ts";
import type { GatedOptions } from "./recurrent_options.ts";
import { type Cell, recurrentParts } from "./recurrent_parts.ts";

/** A recurrent layer; see `simpleRnn`, `lstm`, `gru`. */
export function recurrent(
  units: number,
  options: GatedOptions,
  own: Cell,
): RecurrentLayer | ReturnsState<LstmOutputs> | ReturnsState {
  const { name = "", inputShape, trainable, returnState = false, returnSequences = false } =
    options;
  const { init, apply } = recurrentParts(units, options, own);
  const maskOf = (masks: Mask | readonly Mask[]) =>
    // Steps stay where they are; with goBackwards, Keras gives this mask, too.
    returnSequences ? (Array.isArray(masks) ? masks[0] : masks) as Mask : undefined;
  const common = {
    type: own.type,
    config: { units, ...options },
    name,
    inputShape,
    trainable,
    merges: true,
    alone: true,
    // What comes in a few steps at a time goes on from the states of those before.
    decodes: returnSequences && !returnState && !options.goBackwards,
  } as const;
  if (returnState) {
    const layer: ReturnsState = {
      ...common,
      outputNames: ["outputs", ...stateNames[own.cell]],
      init: (given, key) => {
        const { parameters, outputShape } = init(given, key);
        return { parameters, outputShape: outputShape as Record<keyof RecurrentOutputs, Shape> };
      },
      apply: (parameters, inputs, context) =>
        apply(parameters, inputs, context) as RecurrentOutputs,
      computeMask: (_inputs, masks) => ({ outputs: maskOf(masks), h: undefined }),
    };
    return layer;
  }
  const layer: RecurrentLayer = {
    ...common,
    init: (given, key) => {
      const { parameters, outputShape } = init(given, key);
      return { parameters, outputShape: outputShape.outputs };
    },
    apply: (parameters, inputs, context) => apply(parameters, inputs, context).outputs,
    computeMask: (_inputs, masks) => maskOf(masks),
  };
  return layer;
}
