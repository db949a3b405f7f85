import { ShapeError } from "../../../graph/errors.ts";
import { formatShape, type Shape } from "../../../graph/shape.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { div } from "../../../ops/div.ts";
import { maximum } from "../../../ops/maximum.ts";
import { mul } from "../../../ops/mul.ts";
import { dropoutMask, type RandomKey } from "../../../ops/random.ts";
import { select } from "../../../ops/select.ts";
import { sub } from "../../../ops/sub.ts";
import type { ScalarRange } from "../../check_scalar.ts";
import type { ApplyContext, Layer } from "../../layer.ts";
import { namedKey } from "../../named_key.ts";
import { checkScalarSource, type ScalarSource } from "../../scalar.ts";

/** Options of layers that disturb what flows through them, in training alone. */
export interface NoiseOptions {
  /** Name; default the type and a count, as `gaussian_noise_1`. */
  readonly name?: string;
  /** Seed of the noise; by default that of the run, folded with the layer's name. */
  readonly seed?: number;
  /** Shape of the inputs without the batch, for a first layer. */
  readonly inputShape?: Shape;
}

/** Options of layers that toss units out. */
export interface DropoutOptions extends NoiseOptions {
  /**
   * Shape of the mask, with the batch: `null` for a size of the inputs, 1 where elements along an axis
   * share their fate, as `[null, 1, null]` for one mask for all steps of a sequence; by default each
   * element has its own.
   */
  readonly noiseShape?: readonly (number | null)[];
}

/** What one kind of noise is. */
interface Noise {
  /** Keras's class name. */
  readonly type: string;
  /** The function that the user calls, for messages. */
  readonly factory: string;
  /** Name of the amount: `rate`. */
  readonly amount: string;
  /** Amounts allowed. */
  readonly range: ScalarRange;
  /** Refuses shapes that the layer cannot take. */
  readonly check?: (shape: Shape) => void;
  /** What becomes of a batch. */
  readonly disturb: (x: Tensor, amount: Tensor, key: RandomKey, counter: Tensor) => Tensor;
}

/** Shares that may be tossed out. */
export const rates: ScalarRange = { minimum: 0, maximum: 1 };

/** The distance from 1 to the next smaller float32: no rate but 1 leaves less. */
const smallestKept = 2 ** -24;

/** Shares where something is left: 1 would need infinite noise. */
export const ratesBelowOne: ScalarRange = { minimum: 0, maximum: 1 - smallestKept };

/** A layer that disturbs its inputs in training and gives them back as they are in inference. */
export function noiseLayer(noise: Noise, source: ScalarSource, options: NoiseOptions): Layer {
  const { type, factory, amount, range, check, disturb } = noise;
  checkScalarSource(`the ${amount} of ${factory}`, source, range);
  const { name = "", seed, inputShape } = options;
  const ownKey = seed === undefined ? undefined : namedKey(seed, factory);
  return {
    type,
    config: { [amount]: source, ...options },
    name,
    inputShape,
    supportsMasking: true,
    init(given) {
      check?.(given);
      return { outputShape: given, parameters: [] };
    },
    apply(_parameters, x, context: ApplyContext) {
      if (!context.training || source === 0) return x;
      const level = context.scalar(source, amount, range);
      return disturb(x, level, ownKey ?? context.randomKey("mask"), context.counter);
    },
  };
}

/**
 * The shape of a mask for inputs of a shape.
 *
 * @param factory The function that the user calls, for messages.
 * @param shape That of the inputs, with the batch.
 * @throws {ShapeError} when it has another rank, or sizes that are neither 1 nor those of the inputs.
 */
export function maskShape(
  factory: string,
  shape: Shape,
  noiseShape: DropoutOptions["noiseShape"],
): Shape {
  const mask = noiseShape?.map((size, axis) => size ?? shape[axis]) ?? shape;
  if (mask.length === shape.length && mask.every((size, axis) => [1, shape[axis]].includes(size))) {
    return mask;
  }
  throw new ShapeError(
    `Cannot apply ${factory} as its noiseShape must have an entry for each axis of the inputs, ` +
      `the batch among them, that is 1, null or their size: received ` +
      `${JSON.stringify(noiseShape)} for inputs of ${formatShape(shape)}`,
  );
}

/** Refuses a noise shape that fits no batch of inputs of this shape. */
export function checkNoiseShape(
  factory: string,
  shape: Shape,
  noiseShape: DropoutOptions["noiseShape"],
): void {
  // The size of the batch is known later.
  maskShape(factory, [noiseShape?.[0] ?? 1, ...shape], noiseShape);
}

/**
 * `x` / (1 − rate) where a mask of `maskShape` keeps it, else 0.
 *
 * @param maskShape Sizes of the mask; size 1 where elements along an axis share their fate.
 */
export function dropped(
  x: Tensor,
  maskShape: Shape,
  rate: Tensor,
  key: RandomKey,
  counter: Tensor,
): Tensor {
  const kept = dropoutMask(key, maskShape, counter, rate);
  // Bounded, as at a rate of 1 the backward pass would multiply 0 by infinity.
  const scale = div(1, maximum(sub(1, rate), smallestKept));
  return select(kept, mul(x, scale), 0);
}
