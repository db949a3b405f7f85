import type { Shape } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { AnyModel } from "../nn/connect.ts";
import type { ApplyContext } from "../nn/layer.ts";
import type { Model } from "../nn/model.ts";
import type { Tensors } from "../nn/named.ts";
import type { Optimizer } from "../nn/optimizer.ts";
import type { Parameter } from "../nn/parameter.ts";
import { assign, slotOf, weightsOf } from "./assign.ts";
import type { RunControl } from "./epoch.ts";
import type { Losses } from "./criteria.ts";
import type { Frame } from "./frame.ts";

/** Weights of classes. */
export interface WeighedClasses {
  /** The weight of each class, `[classes]`. */
  readonly table: Tensor;
  /** How much samples count without them, `[batch]`. */
  readonly sampleWeight: Tensor | null;
}

/**
 * A mini-batch on its way down the pipe, as symbols. Each stage adds what it made, so that stages
 * in a wrong order do not type-check: `Batch → Forwarded → Scored → Differentiated → Updated`.
 *
 * `X`, `Y` and, from `Forwarded` on, `O` say whether inputs, targets and outputs are one tensor each
 * or tensors by name, as in the data set and the model.
 */
export class Batch<X extends Tensors = Tensor, Y extends Tensors = Tensor> {
  /** Made by {@link miniBatches}. */
  constructor(
    /**
     * What the step will do once the chain has returned.
     *
     * @internal
     */
    readonly frame: Frame,
    /** Inputs, `[batch, ...features]`, f32. */
    readonly x: X,
    /** Targets, `[batch]` u32 class ids or `[batch, outputs]` f32. */
    readonly y: Y,
    /** How much each sample counts, `[batch]`, f32; `null` where each counts once. */
    readonly sampleWeight: Tensor | null = null,
    /**
     * The weights of classes, where {@link classWeight} gives some: {@link loss} takes them for each
     * step, if targets are labels of steps.
     */
    readonly classWeights: WeighedClasses | null = null,
  ) {
    this.x = frame.run.collections.get(x);
    this.y = frame.run.collections.get(y);
  }

  /** Number of the epoch, from 1. */
  get epoch(): number {
    return this.frame.epoch;
  }

  /** Number of the step since the run began, from 1. */
  get step(): number {
    return this.frame.step;
  }

  /** Steps in this epoch. */
  get stepsPerEpoch(): number {
    return this.frame.stepsPerEpoch;
  }

  /** Number of the step in its epoch, from 1. */
  get stepInEpoch(): number {
    return this.frame.stepInEpoch;
  }

  /** Samples in the batch. */
  get samples(): number {
    return this.frame.samples;
  }

  /** The run. */
  get run(): RunControl {
    return this.frame.run;
  }

  /**
   * What tensors of an operator's own may ask for: numbers that vary between steps
   * (`context.scalar(rate, "my_rate")`), random keys, the step's number; and what `model.apply` takes.
   */
  get context(): ApplyContext {
    return this.frame.context;
  }

  /**
   * A tensor for every weight of any model, as this place in the pipe has them: what an update above
   * has made of them, else what they were before the step. With others in their place, `model.apply`
   * gives what the model would be with those: see {@link LossInputs}. A model that no stage goes
   * through is put on the run's device; it changes only if it is assigned to, here or by `copyWeights`.
   *
   * PyTorch: `torch.func.functional_call`.
   */
  get weightsOf(): (model: AnyModel) => ReadonlyMap<Parameter, Tensor> {
    return (model) => weightsOf(this.frame, model);
  }

  /**
   * A state that an operator keeps on the device from step to step, and that checkpoints hold; see
   * {@link assign}.
   *
   * @param name A name of its own in the run, such as `lookahead/dense_1/kernel`.
   * @param shape Sizes of the axes.
   * @param fill What it begins with: a number, default 0, or a weight to copy, as it is then.
   * @returns Its value before the step, f32.
   * @throws {ShapeError} when there is one of that name and another shape.
   */
  slot(name: string, shape: Shape, fill: number | Parameter = 0): Tensor {
    return slotOf(this.frame, name, shape, fill);
  }

  /**
   * Gives a weight or a {@link slot} another value as the step runs. Stages below see a weight's new
   * value, and later steps both. An element that is NaN or infinite stays as it was.
   *
   * @param target The weight, or what {@link slot} gave.
   * @param value The new value, f32 of the same shape.
   * @throws {RangeError} when no model of the run has the weight.
   * @throws {ShapeError} when the shape is another.
   *
   * @example A weight that is halved as each step runs; a network that follows: {@link updateTarget}.
   * ```ts
   * import { arrays, dense, forward, input, miniBatches, sequential } from "@millrace/millrace";
   * import { lastValueFrom, tap } from "rxjs";
   * import assert from "node:assert/strict";
   *
   * const model = sequential([input([1]), dense(1, { useBias: false, kernelInitializer: "ones" })]);
   * const steps = miniBatches(arrays([[1]]), { epochs: 3, device: "cpu", threads: 1 }).pipe(
   *   forward(model),
   *   tap((step) => {
   *     const [[weight, now]] = step.weightsOf(model);
   *     step.assign(weight, now.mul(0.5));
   *   }),
   * );
   * await lastValueFrom(steps);
   * assert.deepEqual([...model.parameters[0].value], [0.125]);
   * ```
   */
  assign(target: Parameter | Tensor, value: Tensor): void {
    assign(this.frame, target, value);
  }

  /** Makes the source wait, once its permits are used up, until `promise` has settled. */
  hold(promise: Promise<unknown>): void {
    this.frame.hold(promise);
  }

  /**
   * Calls `action` as soon as the step has run, before the next one: weights are then those of this
   * step.
   *
   * @throws {DisposedError} when the run has gone on since: an operator above has delayed the step.
   */
  afterwards(action: () => void): void {
    this.frame.afterwards(action);
  }

  /**
   * This step's values by log name, `loss` among them, once they are known; nothing waits for it.
   * To be called while the step goes down the pipe; it rejects with a `DisposedError` later, and
   * when the run ends before they are read.
   */
  values(): Promise<Readonly<Record<string, number>>> {
    return this.frame.values();
  }
}

const noMasks: ReadonlyMap<string | null, Tensor> = new Map();
const noWeights: ReadonlySet<Parameter> = new Set();

/** A batch that went through a model. */
export class Forwarded<
  X extends Tensors = Tensor,
  Y extends Tensors = Tensor,
  O extends Tensors = Tensor,
> extends Batch<X, Y> {
  /** Made by {@link forward}. */
  constructor(
    batch: Batch<X, Y>,
    /** The model. */
    readonly model: Model<X, O>,
    /** The model's outputs, `[batch, ...outputShape]`. */
    readonly outputs: O,
    /** What the model's layers add to the loss, scalars; {@link loss} adds them. */
    readonly penalties: readonly Tensor[] = [],
    /**
     * Which steps of the outputs count, `[batch, steps]`, bool, by the names of outputs, `null` for a
     * model's only one; none where all do. {@link loss} and {@link measure} go by them.
     */
    readonly masks: ReadonlyMap<string | null, Tensor> = noMasks,
  ) {
    super(batch.frame, batch.x, batch.y, batch.sampleWeight, batch.classWeights);
    this.outputs = batch.frame.run.collections.get(outputs);
    this.masks = batch.frame.run.collections.get(masks);
  }
}

/** A batch with its loss. */
export class Scored<
  X extends Tensors = Tensor,
  Y extends Tensors = Tensor,
  O extends Tensors = Tensor,
> extends Forwarded<X, Y, O> {
  /** Made by {@link loss}. */
  constructor(
    forwarded: Forwarded<X, Y, O>,
    /** The loss that was applied; of several outputs, by name; none where it is a function of the step. */
    readonly lossFunction: Losses<O> | undefined,
    /**
     * Mean loss over the batch and all penalties, a scalar, in the loss's unit (nats for
     * cross-entropy); of several outputs, the weighted sum.
     */
    readonly loss: Tensor,
    /**
     * What the sum of the samples' losses was divided by: the samples, the steps that count, the sum of
     * the weights, or nothing, `null`. By it a batch weighs where gradients of several are gathered.
     */
    readonly count: Tensor | number | null = forwarded.samples,
  ) {
    super(
      forwarded,
      forwarded.model,
      forwarded.outputs,
      forwarded.penalties,
      forwarded.masks,
    );
  }
}

/** A batch with the gradients of its loss. */
export class Differentiated<
  X extends Tensors = Tensor,
  Y extends Tensors = Tensor,
  O extends Tensors = Tensor,
> extends Scored<X, Y, O> {
  /** Whether `update` changes weights in this step; false while gradients are gathered. */
  readonly updates: boolean;
  /** Whether the step may be used, a bool of rank 0: where it is false, nothing changes. */
  readonly usable: Tensor | undefined;
  /** Weights that an {@link update} above has changed by these gradients. */
  readonly updated: ReadonlySet<Parameter>;

  /**
   * Made by {@link backward}, and by operators on gradients, whose steps keep what `options` do not
   * change.
   */
  constructor(
    scored: Scored<X, Y, O>,
    /** The gradient of the loss for each trainable weight of the model. */
    readonly gradients: ReadonlyMap<Parameter, Tensor>,
    options: Partial<Pick<Differentiated, "updates" | "usable" | "updated">> = {},
  ) {
    super(scored, scored.lossFunction, scored.loss, scored.count);
    this.gradients = scored.frame.run.collections.get(gradients);
    const before = scored instanceof Differentiated ? scored : undefined;
    this.updates = options.updates ?? before?.updates ?? true;
    this.usable = options.usable ?? before?.usable;
    this.updated = options.updated ?? before?.updated ?? noWeights;
  }
}

/** A batch whose gradients have changed the weights. */
export class Updated<
  X extends Tensors = Tensor,
  Y extends Tensors = Tensor,
  O extends Tensors = Tensor,
> extends Differentiated<X, Y, O> {
  /** Made by {@link update}. */
  constructor(
    differentiated: Differentiated<X, Y, O>,
    /** The optimizer that was applied. */
    readonly optimizer: Optimizer,
    /** See {@link Differentiated.updated}. */
    updated: ReadonlySet<Parameter>,
  ) {
    super(differentiated, differentiated.gradients, { updated });
  }
}

/** A batch of any inputs and targets. */
export type AnyBatch = Batch<Tensors, Tensors>;

/** A step of any inputs, targets and outputs, after {@link forward}. */
export type AnyForwarded = Forwarded<Tensors, Tensors, Tensors>;

/** A step of any inputs, targets and outputs, after {@link loss}. */
export type AnyScored = Scored<Tensors, Tensors, Tensors>;

/** A step of any inputs, targets and outputs, after {@link backward}. */
export type AnyDifferentiated = Differentiated<Tensors, Tensors, Tensors>;

/** A step of any inputs, targets and outputs, after {@link update}. */
export type AnyUpdated = Updated<Tensors, Tensors, Tensors>;
