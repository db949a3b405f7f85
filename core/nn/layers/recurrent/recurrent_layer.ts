import type { Shape } from "../../../graph/shape.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import type { ApplyContext, Layer, LayerInitialization } from "../../layer.ts";
import type { Mask } from "../../mask.ts";
import type { LoneMergeLayer } from "../../merge_layer.ts";
import type { NamedKey } from "../../named_key.ts";

/**
 * A layer over sequences: of one input, or of a list of it and the states to begin with.
 *
 * It stands wherever a {@link Layer} does, and in functional models also as
 * `connect([x, h, c], layer)`.
 */
export interface RecurrentLayer extends Layer, LoneMergeLayer {
  /**
   * The layer's weights and output shape.
   *
   * @param given Shape of the input without the batch, `[steps, features]`; or a list of it and those
   * of the states, `[units]` each.
   * @param key Random key of the layer.
   * @throws {ShapeError} when the layer cannot take those shapes.
   */
  init(given: Shape | readonly Shape[], key: NamedKey): LayerInitialization;
  /**
   * The outputs for a batch, as symbols.
   *
   * @param parameters The weights by role.
   * @param inputs `[batch, steps, features]`; or a list of it and the states, `[batch, units]` each.
   * @param context The run's scalars and random keys.
   * @returns `[batch, units]`, or `[batch, steps, units]`.
   */
  apply(
    parameters: Readonly<Record<string, Tensor>>,
    inputs: Tensor | readonly Tensor[],
    context: ApplyContext,
  ): Tensor;
  /**
   * The mask of the outputs: that of the sequence, if all steps are given.
   *
   * @param inputs What the layer takes.
   * @param masks Which steps of it count.
   */
  computeMask(inputs: Tensor | readonly Tensor[], masks: Mask | readonly Mask[]): Mask;
}

/** What a recurrent layer with `returnState` gives: its outputs, and the last states `[units]`. */
export type RecurrentOutputs = {
  /** As without `returnState`. */
  readonly outputs: Tensor;
  /** The states after the last step. */
  readonly h: Tensor;
};

/** What {@link lstm} with `returnState` gives. */
export type LstmOutputs = RecurrentOutputs & {
  /** The cells after the last step. */
  readonly c: Tensor;
};

/** A recurrent layer of several outputs: it stands in functional models. */
export type ReturnsState<O extends RecurrentOutputs = RecurrentOutputs> = LoneMergeLayer<O>;
