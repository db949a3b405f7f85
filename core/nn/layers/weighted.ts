import { ShapeError } from "../../graph/errors.ts";
import { formatShape, type Shape, sizeOf } from "../../graph/shape.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { div } from "../../ops/div.ts";
import { received } from "../../state/received.ts";
import type { Constraint } from "../constraint.ts";
import type { Initializer } from "../initializer.ts";
import { type InitializerName, initializerOf } from "../initializers/by_name.ts";
import type { ApplyContext, LayerParameter } from "../layer.ts";
import type { NamedKey } from "../named_key.ts";
import type { Regularizer } from "../regularizer.ts";

/** Options of every layer with weights. */
export interface WeightedLayerOptions {
  /** Name; default the type and a count, as `dense_1`. */
  readonly name?: string;
  /** Shape of the inputs without the batch, for a first layer without {@link input} before it. */
  readonly inputShape?: Shape;
  /** Whether optimizers change the layer's weights; default true. */
  readonly trainable?: boolean;
  /** Penalty on the layer's outputs, divided by the size of the batch; default none. */
  readonly activityRegularizer?: Regularizer;
}

/** How one weight is made and kept. */
export interface WeightOptions {
  /** How it starts. */
  readonly initializer: InitializerName | Initializer;
  /** Penalty on it. */
  readonly regularizer?: Regularizer;
  /** What it must keep. */
  readonly constraint?: Constraint;
  /** Whether optimizers change it; default true. */
  readonly trainable?: boolean;
}

/** Most numbers of one weight: 1 GiB. */
const largestWeight = 2 ** 28;

/** A maker of one weight; an initializer of unknown name, or what is no part, is refused at once. */
export function weight(
  role: string,
  { initializer, regularizer, constraint, trainable = true }: WeightOptions,
): (shape: Shape, key: NamedKey) => LayerParameter {
  const start = initializerOf(initializer);
  checkPart(`regularizer of the ${role}`, regularizer, "l2()");
  checkPart(`constraint of the ${role}`, constraint, "maxNorm()");
  return (shape, key) => ({
    name: role,
    shape: checkSize(role, shape),
    // Drawn when the model is known to be no larger than allowed; a further call needs its shape alone.
    get values() {
      return start.values(shape, key.fold(role));
    },
    trainable,
    ...(regularizer && { regularizer }),
    ...(constraint && { constraint }),
  });
}

/** How a kernel starts and is kept, as layers' options name it. */
export interface KernelWeightOptions {
  readonly kernelInitializer?: InitializerName | Initializer;
  readonly kernelRegularizer?: Regularizer;
  readonly kernelConstraint?: Constraint;
}

/** A maker of a kernel, which starts as `glorotUniform` unless options say otherwise. */
export function kernelWeight(options: KernelWeightOptions): ReturnType<typeof weight> {
  return weight("kernel", {
    initializer: options.kernelInitializer ?? "glorotUniform",
    regularizer: options.kernelRegularizer,
    constraint: options.kernelConstraint,
  });
}

/** How a bias starts and is kept, as layers' options name it. */
export interface BiasWeightOptions {
  readonly biasInitializer?: InitializerName | Initializer;
  readonly biasRegularizer?: Regularizer;
  readonly biasConstraint?: Constraint;
}

/** A maker of a bias, which starts as `zeros` unless options say otherwise. */
export function biasWeight(options: BiasWeightOptions): ReturnType<typeof weight> {
  return weight("bias", {
    initializer: options.biasInitializer ?? "zeros",
    regularizer: options.biasRegularizer,
    constraint: options.biasConstraint,
  });
}

/** Refuses what is no regularizer or constraint, as Keras's names of them. */
function checkPart(
  what: string,
  part: Regularizer | Constraint | undefined,
  example: string,
): void {
  // A function that was not called, as l2, has an apply, too.
  if (part === undefined || typeof part === "object" && typeof part?.apply === "function") return;
  throw new TypeError(
    `Cannot make a layer as the ${what} must be one, such as ${example}: received ${
      received(part)
    }`,
  );
}

/** Refuses a weight that no device holds, before its numbers are drawn. */
function checkSize(role: string, shape: Shape): Shape {
  if (sizeOf(shape) <= largestWeight) return shape;
  throw new ShapeError(
    `expected a ${role} of at most ${largestWeight} numbers, got shape ${formatShape(shape)}`,
  );
}

/** Adds the penalty on a layer's outputs to the loss, and gives them back. */
export function penalizeOutputs(
  outputs: Tensor,
  regularizer: Regularizer | undefined,
  context: ApplyContext,
): Tensor {
  checkPart("activityRegularizer", regularizer, "l2()");
  if (regularizer) context.addLoss(div(regularizer.apply(outputs), outputs.shape[0]));
  return outputs;
}
