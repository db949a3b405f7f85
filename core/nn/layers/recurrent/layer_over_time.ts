import type { Shape } from "../../../graph/shape.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import type { ApplyContext, LayerInitialization } from "../../layer.ts";
import type { Mask } from "../../mask.ts";
import type { NamedKey } from "../../named_key.ts";
import type {
  LstmOutputs,
  RecurrentLayer,
  RecurrentOutputs,
  ReturnsState,
} from "./recurrent_layer.ts";
import type { RecurrentOptions } from "./recurrent_options.ts";

/** What a recurrent layer makes of a batch, whatever of it is given. */
export type Made<Value> = { readonly outputs: Value } & { readonly [state: string]: Value };

/** How a recurrent layer begins, and what it makes of a batch; with `returnState`, states too. */
export interface PartsOverTime {
  /** Keras's class name. */
  readonly type: string;
  /** Names of its states, in the order of calls and outputs. */
  readonly states: readonly string[];
  /** Its weights and output shapes. */
  init(given: Shape | readonly Shape[], key: NamedKey): LayerInitialization<Made<Shape>>;
  /** Its outputs. */
  apply(
    weights: Readonly<Record<string, Tensor>>,
    inputs: Tensor | readonly Tensor[],
    context: ApplyContext,
  ): Made<Tensor>;
}

/** What a layer's options say of what it gives, and who it is. */
type OwnOptions =
  & Pick<RecurrentOptions, "returnState" | "returnSequences" | "goBackwards">
  & Pick<RecurrentOptions, "name" | "inputShape" | "trainable">;

/** A layer of its parts: of one output, or of several with `returnState`. */
export function layerOverTime(
  options: OwnOptions,
  config: Readonly<Record<string, unknown>>,
  { type, states, init, apply }: PartsOverTime,
): RecurrentLayer | ReturnsState<LstmOutputs> | ReturnsState {
  const { name = "", inputShape, trainable, returnState = false, returnSequences = false } =
    options;
  const maskOf = (masks: Mask | readonly Mask[]) =>
    // Steps stay where they are; with goBackwards, Keras gives this mask, too.
    returnSequences ? (Array.isArray(masks) ? masks[0] : masks) as Mask : undefined;
  const common = {
    type,
    config,
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
      outputNames: ["outputs", ...states],
      init: (given, key) => {
        const { parameters, outputShape } = init(given, key);
        return { parameters, outputShape: outputShape as Record<keyof RecurrentOutputs, Shape> };
      },
      apply: (parameters, inputs, context) =>
        apply(parameters, inputs, context) as RecurrentOutputs,
      computeMask: (_inputs, masks) => {
        const none = Object.fromEntries(states.map((state) => [state, undefined]));
        return { outputs: maskOf(masks), ...none } as Record<keyof RecurrentOutputs, Mask>;
      },
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
