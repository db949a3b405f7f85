import type { Shape } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { ApplyContext, LayerInitialization } from "./layer.ts";
import type { Mask } from "./mask.ts";
import type { Like, Tensors } from "./named.ts";
import type { NamedKey } from "./named_key.ts";

/**
 * A layer of several inputs, such as {@link concatenate}: it stands in functional models.
 *
 * Like a {@link Layer} it is a description of weights and a pure function. `O` says whether it gives
 * one tensor, or several by name, as {@link lstm} with `returnState` does.
 */
export interface MergeLayer<O extends Tensors = Tensor> {
  /** Says that the layer takes a list of inputs. */
  readonly merges: true;
  /** Names of its outputs, of a layer that gives several, in order. */
  readonly outputNames?: readonly string[];
  /** Whether one input is enough, so that it may stand where a layer does; default false. */
  readonly alone?: boolean;
  /** Whether it can take sequences a few steps at a time: see {@link Layer.decodes}. */
  readonly decodes?: boolean;
  /** Keras's class name, for the summary: `Concatenate`. */
  readonly type: string;
  /** Name, unique in the model; empty until the model gives one, as `concatenate_1`. */
  readonly name: string;
  /** Shape of the first input without the batch, where the layer is the first of a model. */
  readonly inputShape?: Shape;
  /** False for a layer whose weights stay as they are; default true. */
  readonly trainable?: boolean;
  /** False for a layer that acts as in inference in training too; default true. */
  readonly training?: boolean;
  /** The options it was made with, by which `modelToJson` writes it. */
  readonly config?: Readonly<Record<string, unknown>>;
  /**
   * The layer's weights and output shape.
   *
   * @param inputShapes Shapes of the inputs without the batch.
   * @param key Random key of the layer, folded from the model's seed and the layer's name.
   * @throws {ShapeError} when the layer cannot take those shapes.
   */
  init(inputShapes: readonly Shape[], key: NamedKey): LayerInitialization<Like<O, Shape>>;
  /**
   * The outputs for a batch, as symbols.
   *
   * @param parameters The weights by role.
   * @param inputs Inputs, each `[batch, ...inputShape]`.
   * @param context The run's scalars and random keys; names are the layer's own.
   * @returns Outputs, `[batch, ...outputShape]`; by name if there are several.
   */
  apply(
    parameters: Readonly<Record<string, Tensor>>,
    inputs: readonly Tensor[],
    context: ApplyContext,
  ): O;
  /**
   * The mask of the outputs, by name if there are several; without this function masks end here, with
   * a warning.
   *
   * @param inputs The inputs.
   * @param masks Which steps of each count.
   */
  computeMask?(inputs: readonly Tensor[], masks: readonly Mask[]): Like<O, Mask>;
}

/** A layer of several inputs that takes one alone too, such as {@link multiHeadAttention}. */
export interface LoneMergeLayer<O extends Tensors = Tensor> extends MergeLayer<O> {
  /** One input is enough. */
  readonly alone: true;
}
