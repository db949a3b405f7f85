import type { CellActivation } from "../../../graph/recurrence.ts";
import type { Constraint } from "../../constraint.ts";
import type { Initializer } from "../../initializer.ts";
import type { InitializerName } from "../../initializers/by_name.ts";
import type { Regularizer } from "../../regularizer.ts";
import type { ScalarSource } from "../../scalar.ts";
import type { WeightedLayerOptions } from "../weighted.ts";

/** Options of every recurrent layer. */
export interface RecurrentOptions extends WeightedLayerOptions {
  /** What is applied to candidates and outputs: `tanh` (default), `relu`, `sigmoid` or `linear`. */
  readonly activation?: CellActivation;
  /** Whether numbers are added to the sums; default true. */
  readonly useBias?: boolean;
  /** How the inputs' kernel starts; default `glorotUniform`. */
  readonly kernelInitializer?: InitializerName | Initializer;
  /** How the states' kernel starts; default `orthogonal`. */
  readonly recurrentInitializer?: InitializerName | Initializer;
  /** How the bias starts; default `zeros`. */
  readonly biasInitializer?: InitializerName | Initializer;
  /** Penalty on the inputs' kernel; default none. */
  readonly kernelRegularizer?: Regularizer;
  /** Penalty on the states' kernel; default none. */
  readonly recurrentRegularizer?: Regularizer;
  /** Penalty on the bias; default none. */
  readonly biasRegularizer?: Regularizer;
  /** What the inputs' kernel must keep after every update; default nothing. */
  readonly kernelConstraint?: Constraint;
  /** What the states' kernel must keep after every update; default nothing. */
  readonly recurrentConstraint?: Constraint;
  /** What the bias must keep after every update; default nothing. */
  readonly biasConstraint?: Constraint;
  /** Whether the states after all steps are given, or those after the last; default false. */
  readonly returnSequences?: boolean;
  /**
   * Whether the last states are given, too: the layer's outputs are then `outputs`, `h` and of
   * {@link lstm} `c`, by name; default false.
   */
  readonly returnState?: boolean;
  /**
   * Whether the last state of each sample of a batch is what the sample of the same place begins with in
   * the next batch, in training and in prediction; default false. Batches are then of `batchSize`
   * samples, all of them, and in order: `shuffle: false`, `dropRemainder: true`. The states are a
   * weight that is not trainable, `states`, of lstm h and then c; {@link resetStates} makes them zeros
   * between two sequences, in training, and `model.resetStates()` before predicting. Validation and
   * `evaluate` begin with zeros, and change nothing.
   */
  readonly stateful?: boolean;
  /** Samples of every batch of a `stateful` layer. (Keras: that of the model's inputs.) */
  readonly batchSize?: number;
  /** Whether steps are taken, and given, from the last to the first; default false. */
  readonly goBackwards?: boolean;
  /**
   * Part of the inputs' features that is tossed out in training, from 0 to 1, the same ones at all
   * steps of a sample; with `recurrentDropout`, others for each gate; a number or a stream of numbers;
   * default 0.
   */
  readonly dropout?: ScalarSource;
  /**
   * Part of the states that is tossed out in training before the recurrent kernel, from 0 to 1, the
   * same ones at all steps of a sample, and others for each gate, as in Keras 3; a number or a stream
   * of numbers; default 0. What carries a state past the gates sees all of it.
   */
  readonly recurrentDropout?: ScalarSource;
  /** Seed of both dropouts; by default that of the run, folded with the layer's name. */
  readonly seed?: number;
  /**
   * Whether `returnSequences` gives zeros for steps that the mask leaves out, where it gives the state
   * before them again; default false.
   */
  readonly zeroOutputForMask?: boolean;
}

/** Options of cells with gates. */
export interface GatedOptions extends RecurrentOptions {
  /** What is applied to gates: `sigmoid` (default), `tanh`, `relu` or `linear`. */
  readonly recurrentActivation?: CellActivation;
}
