import { ShapeError } from "../../../graph/errors.ts";
import { broadcastShapes, formatShape, type Shape } from "../../../graph/shape.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { logicalOr } from "../../../ops/logical.ts";
import { reshape } from "../../../ops/reshape.ts";
import type { Decoding } from "../../decoding.ts";
import type { MergeLayer } from "../../merge_layer.ts";

/** Options of layers that merge their inputs element by element. */
export interface MergeOptions {
  /** Name; default the type and a count, as `add_1`. */
  readonly name?: string;
}

/** How many inputs a layer takes. */
interface Inputs {
  /** Smallest number; default 1. */
  readonly minimum?: number;
  /** Largest number; no limit by default. */
  readonly maximum?: number;
}

/** Refuses a number of inputs that a layer cannot merge. */
export function checkInputs(given: readonly Shape[], { minimum = 1, maximum }: Inputs): void {
  if (given.length >= minimum && given.length <= (maximum ?? Infinity)) return;
  const expected = minimum === maximum ? `${minimum} inputs` : `${minimum} input or more`;
  throw new ShapeError(
    `expected ${expected}, got ${given.length}: ${given.map(formatShape).join(", ") || "none"}`,
  );
}

/**
 * A layer that merges inputs element by element. Sizes of 1, and axes that an input lacks after the
 * batch, are broadcast.
 */
export function elementwiseMerge(
  type: string,
  { name = "" }: MergeOptions,
  merge: (inputs: readonly Tensor[]) => Tensor,
  counts: Inputs = {},
): MergeLayer {
  return {
    merges: true,
    decodes: true,
    type,
    name,
    config: {},
    init(shapes) {
      checkInputs(shapes, counts);
      return { outputShape: broadcastShapes(type, shapes), parameters: [] };
    },
    apply(_parameters, inputs, { decoding }) {
      const aligned = alignRanks(inputs);
      if (decoding) checkSteps(aligned, decoding);
      return merge(aligned);
    },
    // Keras's rule: padding is what is padding in all of them.
    computeMask: (_inputs, masks) =>
      masks.every((mask) => mask !== undefined)
        ? masks.reduce((either, mask) => logicalOr(either, mask))
        : undefined,
  };
}

/** Inputs of one rank: axes of size 1 are put behind the batch. */
function alignRanks(inputs: readonly Tensor[]): Tensor[] {
  const rank = Math.max(...inputs.map((input) => input.rank));
  return inputs.map((input) => {
    const missing = rank - input.rank;
    if (missing === 0) return input;
    const [batch, ...rest] = input.shape;
    return reshape(input, [batch, ...new Array(missing).fill(1), ...rest]);
  });
}

/** Refuses a whole sequence beside steps that come one by one: all of it would be added to each. */
function checkSteps(inputs: readonly Tensor[], decoding: Decoding): void {
  const coming = inputs.find((input) => decoding.follows([input]));
  const whole = inputs.find((input) => coming && input.shape[1] > coming.shape[1]);
  if (!whole) return;
  const features = whole.shape.slice(2);
  throw new ShapeError(
    `expected inputs that are given a few steps at a time, as the sequence is, got one of ` +
      `${whole.shape[1]} steps at once (give it one step, ${
        formatShape([1, ...features])
      }, which ` +
      `counts at each; reshapeLayer makes it)`,
  );
}
