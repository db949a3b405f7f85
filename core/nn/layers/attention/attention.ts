import { ShapeError } from "../../../graph/errors.ts";
import { formatShape, type Shape } from "../../../graph/shape.ts";
import { expandDims, squeeze } from "../../../ops/expand_dims.ts";
import { mul } from "../../../ops/mul.ts";
import type { LoneMergeLayer } from "../../merge_layer.ts";
import { checkScalarSource, type ScalarSource } from "../../scalar.ts";
import { rates } from "../regularization/noise.ts";
import { weight } from "../weighted.ts";
import { attend } from "./attend.ts";

/** Options of {@link attention}. */
export interface AttentionLayerOptions {
  /** Whether a number that learns multiplies the scores; default false. */
  readonly useScale?: boolean;
  /** Share of the weights that is tossed out in training, from 0 to 1; default 0. */
  readonly dropout?: ScalarSource;
  /** Seed of what is tossed out; by default that of the run, folded with the layer's name. */
  readonly seed?: number;
  /** Whether a query sees the keys up to its own place alone; default false. */
  readonly useCausalMask?: boolean;
  /** Name; default the type and a count. */
  readonly name?: string;
  /** Whether optimizers change the layer's weight; default true. */
  readonly trainable?: boolean;
}

/**
 * Attention without projections: y[i] = Σⱼ wᵢⱼ value[j], w = softmax over j of s · query[i] · key[j].
 *
 * It takes one to three inputs: the queries `[queries, features]`; the values `[keys, outputs]`, by
 * default the queries; the keys `[keys, features]`, by default the values. Masks that go with values
 * and keys hide padding. With `useScale` s is a weight, `scale` `[1]`, which begins at 1; else it is 1.
 *
 * @param options Scale, dropout, causality, name.
 * @returns A layer from `[queries, features]` and more to `[queries, outputs]`.
 * @throws {RangeError} when the rate is out of range.
 *
 * @example
 * ```ts
 * import { attention, connect, functional, input } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const query = input([7, 16]);
 * const value = input([12, 16]);
 * const model = functional({
 *   inputs: { query, value },
 *   outputs: connect([query, value], attention({ useScale: true })),
 * });
 * assert.deepEqual(model.outputShape, [7, 16]);
 * ```
 *
 * Source: M. Luong and others, "Effective approaches to attention-based neural machine translation",
 * 2015. Keras: `Attention` with `score_mode="dot"`, its default.
 */
export function attention(options: AttentionLayerOptions = {}): LoneMergeLayer {
  const { useScale = false, dropout = 0, seed, useCausalMask = false, name = "", trainable } =
    options;
  checkScalarSource("the dropout of attention", dropout, rates);
  const makeScale = weight("scale", { initializer: "ones" });
  return {
    merges: true,
    alone: true,
    decodes: true,
    type: "Attention",
    name,
    trainable,
    config: { ...options },
    init(shapes, key) {
      const [query, value = query] = shapes;
      checkShapes(shapes);
      return {
        outputShape: [query[0], value[1]],
        parameters: useScale ? [makeScale([1], key)] : [],
      };
    },
    apply({ scale }, inputs, context) {
      const [query, value = query, keys = value] = inputs;
      const { masks } = context;
      const heads = {
        query: expandDims(scale ? mul(query, scale) : query, 2),
        key: expandDims(keys, 2),
        value: expandDims(value, 2),
      };
      const result = attend(heads, {
        causal: useCausalMask,
        self: value === query && keys === query,
        dropout,
        seed,
        scale: 1,
        masks: [inputs.length > 1 ? masks[1] : masks[0], masks[2]],
      }, context);
      return squeeze(result, 2);
    },
    computeMask: (_inputs, [mask]) => mask,
  };
}

function checkShapes(shapes: readonly Shape[]): void {
  const [query, value = query, keys = value] = shapes;
  const fits = shapes.length > 0 && shapes.length <= 3 &&
    shapes.every(({ length }) => length === 2);
  if (fits && keys[0] === value[0] && keys[1] === query[1]) return;
  throw new ShapeError(
    "expected queries [queries, features], values [keys, outputs] and keys [keys, features], all but " +
      `the first of which may be left out, got ${shapes.map(formatShape).join(", ")}`,
  );
}
