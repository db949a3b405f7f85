import type { Shape } from "../../../graph/shape.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import type { ApplyContext, Layer } from "../../layer.ts";
import type { LoneMergeLayer } from "../../merge_layer.ts";
import type { NamedKey } from "../../named_key.ts";
import { type BidirectionalMerge, bothDirections, mergeModes } from "./both_directions.ts";
import type { RecurrentLayer, RecurrentOutputs, ReturnsState } from "./recurrent_layer.ts";

/** Options of {@link bidirectional}. */
export interface BidirectionalOptions {
  /**
   * How both outputs become one: side by side (`concat`, default), `sum`, `mul` or mean (`ave`). With
   * `null` they are outputs of their own, `forward` and `backward`, whose steps meet.
   */
  readonly mergeMode?: BidirectionalMerge | null;
  /** Name; default `bidirectional_1` and so on in the model. */
  readonly name?: string;
  /** Shape of the inputs without the batch, for a first layer. */
  readonly inputShape?: Shape;
  /** Whether optimizers change the layer's weights; default true. */
  readonly trainable?: boolean;
}

/**
 * What a {@link bidirectional} layer gives around one with `returnState`: the outputs, and the last
 * states of both directions, as `forwardH` and `backwardH`.
 */
export type BothDirections<O extends RecurrentOutputs = RecurrentOutputs> =
  & { readonly outputs: Tensor }
  & {
    readonly [
      Name in Exclude<string & keyof O, "outputs"> as
        | `forward${Capitalize<Name>}`
        | `backward${Capitalize<Name>}`
    ]: Tensor;
  };

/** What a {@link bidirectional} layer gives with `mergeMode: null`. */
export type ForwardAndBackward = {
  /** The outputs of the layer that goes from the first step to the last. */
  readonly forward: Tensor;
  /** The outputs of the one that goes from the last to the first, in the order of the steps. */
  readonly backward: Tensor;
};

/**
 * A layer over a sequence, and another one of its kind over the sequence from its end.
 *
 * The weights are those of the layer twice, as `forward_kernel` and `backward_kernel`. A sequence
 * that the second one gives is turned around again, so that steps meet. States to begin with are
 * those of the first one and then those of the second: `connect([x, h, c, h2, c2], layer)`.
 *
 * @param layer A recurrent layer, or any from `[steps, features]` to `[units]` or `[steps, units]`;
 * {@link convLstm2d} and its like have pictures for features and units, and the cell of {@link rnn} has
 * what it takes and gives.
 * @param options How to merge, name.
 * @returns A layer from `[steps, features]` to `[2 units]` or `[steps, 2 units]`; `[…, units]` unless
 * both are laid side by side. Around a layer with `returnState` one of several outputs, for
 * {@link connect}: `outputs`, `forwardH`, `forwardC`, `backwardH` and `backwardC`, the C of lstm alone. With
 * `mergeMode: null` there are `forward` and `backward` in the place of `outputs`.
 * @throws {RangeError} when `mergeMode` is not known.
 *
 * @example
 * ```ts
 * import { bidirectional, input, lstm, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([10, 3]), bidirectional(lstm(8, { returnSequences: true }))]);
 * assert.deepEqual(model.outputShape, [10, 16]);
 * ```
 *
 * @example An encoder of both directions, and a decoder that begins with what both have read
 * ```ts
 * import { bidirectional, concatenate, connect, functional, gru, input } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const [question, answer] = [input([20, 8]), input([12, 8])];
 * const read = connect(question, bidirectional(gru(16, { returnState: true })));
 * const h = connect([read.forwardH, read.backwardH], concatenate());
 * const told = connect([answer, h], gru(32, { returnSequences: true }));
 * const model = functional({ inputs: { question, answer }, outputs: told });
 * assert.deepEqual(model.outputShape, [12, 32]);
 * ```
 *
 * Keras: `Bidirectional`. PyTorch: `bidirectional=True`.
 */
export function bidirectional(
  layer: Layer,
  options?: BidirectionalOptions & { readonly mergeMode?: BidirectionalMerge },
): RecurrentLayer;
/** Both directions of a layer that gives its last states. */
export function bidirectional<O extends RecurrentOutputs>(
  layer: ReturnsState<O>,
  options?: BidirectionalOptions & { readonly mergeMode?: BidirectionalMerge },
): LoneMergeLayer<BothDirections<O>>;
/** Outputs of both directions, each for itself. */
export function bidirectional(
  layer: Layer,
  options: BidirectionalOptions & { readonly mergeMode: null },
): LoneMergeLayer<ForwardAndBackward>;
/** Outputs and last states of both directions, each for itself. */
export function bidirectional<O extends RecurrentOutputs>(
  layer: ReturnsState<O>,
  options: BidirectionalOptions & { readonly mergeMode: null },
): LoneMergeLayer<ForwardAndBackward & Omit<BothDirections<O>, "outputs">>;
/** Any of them. */
export function bidirectional(
  layer: Layer | ReturnsState,
  options?: BidirectionalOptions,
): RecurrentLayer | LoneMergeLayer<Readonly<Record<string, Tensor>>>;
export function bidirectional(
  layer: Layer | ReturnsState,
  options: BidirectionalOptions = {},
): RecurrentLayer | LoneMergeLayer<Readonly<Record<string, Tensor>>> {
  const { mergeMode = "concat", name = "", inputShape, trainable } = options;
  if (mergeMode !== null && !mergeModes.includes(mergeMode)) {
    throw new RangeError(
      `Cannot make bidirectional as mergeMode must be one of ${mergeModes.join(", ")}, or null: ` +
        `received "${mergeMode}"`,
    );
  }
  const { init, apply, maskOf, outputNames, stateNames } = bothDirections(layer, mergeMode);
  const common = {
    type: "Bidirectional",
    config: { layer, ...options },
    name,
    inputShape,
    trainable,
    merges: true,
    alone: true,
  } as const;
  if (outputNames.length > 1 || stateNames.length > 0) {
    const both: LoneMergeLayer<Readonly<Record<string, Tensor>>> = {
      ...common,
      outputNames: [...outputNames, ...stateNames],
      init,
      apply,
      computeMask: (inputs, masks) => {
        const mask = maskOf?.(inputs, masks);
        return Object.fromEntries(outputNames.map((output) => [output, mask]));
      },
    };
    return both;
  }
  return {
    ...common,
    init: (given: Shape | readonly Shape[], key: NamedKey) => {
      const { outputShape, parameters } = init(given, key);
      return { outputShape: outputShape.outputs, parameters };
    },
    apply: (
      parameters: Readonly<Record<string, Tensor>>,
      inputs: Tensor | readonly Tensor[],
      context: ApplyContext,
    ) => apply(parameters, inputs, context).outputs,
    // Without it, the mask ends here with a warning.
    ...(maskOf && { computeMask: maskOf }),
  } as RecurrentLayer;
}
