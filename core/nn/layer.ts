import type { Shape } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { ScalarRange } from "./check_scalar.ts";
import type { Constraint } from "./constraint.ts";
import type { Decoding } from "./decoding.ts";
import type { Mask } from "./mask.ts";
import type { NamedKey } from "./named_key.ts";
import type { Regularizer } from "./regularizer.ts";
import type { ScalarSource } from "./scalar.ts";

/** What a layer may ask of the run that applies it. */
export interface ApplyContext {
  /** True while training, false in inference: dropout acts only in the first. */
  readonly training: boolean;
  /**
   * False where the layer, or a model around it, is frozen (`trainable: false`): what follows the
   * data, as the averages of batchNormalization, then stands still in training too.
   */
  readonly trainable: boolean;
  /** Which steps of each input count; of a layer with one input `masks[0]`. */
  readonly masks: readonly Mask[];
  /** What is kept of earlier steps, where a sequence comes a few steps at a time; else undefined. */
  readonly decoding?: Decoding;
  /**
   * A number that may change between steps, as a tensor of rank 0, f32, of the step's scalar block.
   *
   * The same source under the same name is the same tensor.
   *
   * @param source Where the numbers come from.
   * @param name What the number is, unique in the layer: `rate`.
   * @param range Numbers allowed; the run refuses others as the step is sent.
   */
  scalar(source: ScalarSource, name: string, range?: ScalarRange): Tensor;
  /**
   * A key of random numbers folded from the run's seed and `name`, as u32 tensors of rank 0.
   *
   * The same name is the same key; a second call of the layer, and a second forward stage of a pipe,
   * have keys of their own.
   *
   * @param name What the numbers are for, unique in the layer: `mask`.
   */
  randomKey(name: string): { key0: Tensor; key1: Tensor };
  /**
   * What random numbers of one key are counted by, u32, rank 0: in training the step's number. Batches
   * of one validation or prediction have numbers of their own.
   */
  readonly counter: Tensor;
  /**
   * Gives a weight of the layer's own, one that is not trainable, a new value after the step: a
   * moving average. Only in training; in inference nothing changes, unless the weight is a state
   * ({@link LayerParameter.state}). An element that is NaN or infinite keeps its old value.
   *
   * @param name The weight's role: `moving_mean`.
   * @param value Its next value, of its shape, f32.
   */
  assign(name: string, value: Tensor): void;
  /**
   * Adds to the loss, in training and in validation: activity regularization.
   *
   * @param penalty A scalar, f32. (Keras divides those of its own layers by the batch's size.)
   */
  addLoss(penalty: Tensor): void;
}

/** A weight as a layer describes it when the model is made. */
export interface LayerParameter {
  /** Its role in the layer: `kernel`. */
  readonly name: string;
  /** Sizes of the axes. */
  readonly shape: Shape;
  /** First values, row by row. */
  readonly values: Float32Array;
  /** Whether optimizers change it. */
  readonly trainable: boolean;
  /**
   * Whether it is a state that goes from batch to batch, in prediction as in training, `[batch, …]`:
   * validation begins with zeros and has its own; default false.
   */
  readonly state?: boolean;
  /** Penalty on it that is added to the loss. */
  readonly regularizer?: Regularizer;
  /** What it must keep after every update. */
  readonly constraint?: Constraint;
}

/** What a layer makes of an input shape. */
export interface LayerInitialization<Output = Shape> {
  /** Shape of the outputs, without the batch; of several, by name. */
  readonly outputShape: Output;
  /** The layer's weights; none for most. */
  readonly parameters: readonly LayerParameter[];
}

/**
 * A layer: a description of weights and a pure function of them and the input.
 *
 * A layer holds no values: the same object may stand in two models, or twice in one stack of
 * {@link sequential}, and then has weights of its own in each place. Called twice in one model of
 * {@link functional}, it shares them. (Keras: a layer owns its weights.)
 */
export interface Layer {
  /** Keras's class name, for the summary: `Dense`. */
  readonly type: string;
  /** Name, unique in the model; empty until the model gives one, as `dense_1`. */
  readonly name: string;
  /** Shape of the inputs without the batch, where the layer is the first of a model. */
  readonly inputShape?: Shape;
  /** False for a layer whose weights stay as they are, as {@link frozen} makes it; default true. */
  readonly trainable?: boolean;
  /** False for a layer that acts as in inference in training too; default true. */
  readonly training?: boolean;
  /** The options it was made with, by which {@link modelToJson} writes it. */
  readonly config?: Readonly<Record<string, unknown>>;
  /**
   * Whether steps stay where they are, so that the mask of the inputs is that of the outputs. By
   * default, and without {@link Layer.computeMask}, a mask ends here, with a warning.
   */
  readonly supportsMasking?: boolean;
  /**
   * Whether it can take a sequence a few steps at a time, as {@link generate} gives them: it works on
   * each step by itself, or asks {@link ApplyContext.decoding}. Default {@link Layer.supportsMasking}.
   */
  readonly decodes?: boolean;
  /** The way back through the layer, with the same weights, of one that has it: see `reversed`. */
  readonly reverse?: ReverseCall;
  /** The layer whose way back this is, as `reversed` makes it. */
  readonly reverseOf?: Layer;
  /**
   * The layer's weights and output shape.
   *
   * @param inputShape Shape of the inputs without the batch.
   * @param key Random key of the layer, folded from the model's seed and the layer's name.
   * @throws {ShapeError} when the layer cannot take that shape.
   */
  init(inputShape: Shape, key: NamedKey): LayerInitialization;
  /**
   * The outputs for a batch, as symbols.
   *
   * @param parameters The weights by role.
   * @param x Inputs, `[batch, ...inputShape]`.
   * @param context The run's scalars and random keys; names are the layer's own.
   * @returns Outputs, `[batch, ...outputShape]`.
   */
  apply(parameters: Readonly<Record<string, Tensor>>, x: Tensor, context: ApplyContext): Tensor;
  /**
   * The mask of the outputs, of a layer that makes one, changes it or ends it knowingly.
   *
   * @param x The inputs.
   * @param mask Which of their steps count.
   * @returns Which steps of the outputs count; undefined where all do, or there are none.
   */
  computeMask?(x: Tensor, mask: Mask): Mask;
}

/** The way back through a layer: another function of the same weights. */
export type ReverseCall = Pick<
  Layer,
  "init" | "apply" | "computeMask" | "supportsMasking" | "decodes"
>;
