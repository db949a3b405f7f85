import { ShapeError } from "../../../graph/errors.ts";
import { iota } from "../../../graph/leaf.ts";
import { formatShape, type Shape } from "../../../graph/shape.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { add } from "../../../ops/add.ts";
import { cast } from "../../../ops/cast.ts";
import { concat } from "../../../ops/concat.ts";
import { gather } from "../../../ops/gather.ts";
import { greater } from "../../../ops/greater.ts";
import { mul } from "../../../ops/mul.ts";
import { reshape } from "../../../ops/reshape.ts";
import { sub } from "../../../ops/sub.ts";
import { transpose } from "../../../ops/transpose.ts";
import type { Layer } from "../../layer.ts";
import { checkSingle } from "./check_single.ts";
import { innerContext } from "./inner_context.ts";

/** How the outputs of both directions become one. */
export type BidirectionalMerge = "concat" | "sum" | "mul" | "ave";

/** Options of {@link bidirectional}. */
export interface BidirectionalOptions {
  /** How both outputs become one: side by side (`concat`, default), `sum`, `mul` or mean (`ave`). */
  readonly mergeMode?: BidirectionalMerge;
  /** Name; default `bidirectional_1` and so on in the model. */
  readonly name?: string;
  /** Shape of the inputs without the batch, for a first layer. */
  readonly inputShape?: Shape;
  /** Whether optimizers change the layer's weights; default true. */
  readonly trainable?: boolean;
}

const merges: Readonly<Record<BidirectionalMerge, (a: Tensor, b: Tensor) => Tensor>> = {
  concat: (a, b) => concat([a, b], a.rank - 1),
  sum: (a, b) => add(a, b),
  mul: (a, b) => mul(a, b),
  ave: (a, b) => mul(add(a, b), 0.5),
};

/** A direction's prefix of the names of its weights. */
const directions = ["forward_", "backward_"] as const;

/**
 * A layer over a sequence, and another one of its kind over the sequence from its end.
 *
 * The weights are those of the layer twice, as `forward_kernel` and `backward_kernel`. A sequence
 * that the second one gives is turned around again, so that steps meet.
 *
 * @param layer A recurrent layer, or any from `[steps, features]` to `[units]` or `[steps, units]`.
 * @param options How to merge, name.
 * @returns A layer from `[steps, features]` to `[2 units]` or `[steps, 2 units]`; `[…, units]` unless
 * both are laid side by side.
 * @throws {RangeError} when `mergeMode` is not known.
 * @throws {TypeError} when the layer gives its states too (`returnState`).
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
 * Keras: `Bidirectional`, without its `merge_mode=None` and without states that are given or returned:
 * two layers of a functional model, one with `goBackwards`, have those. PyTorch: `bidirectional=True`.
 */
export function bidirectional(layer: Layer, options: BidirectionalOptions = {}): Layer {
  const { mergeMode = "concat", name = "", inputShape, trainable } = options;
  checkSingle("bidirectional", layer);
  if (!Object.hasOwn(merges, mergeMode)) {
    throw new RangeError(
      `Cannot make bidirectional as mergeMode must be one of ${Object.keys(merges).join(", ")}: ` +
        `received "${mergeMode}"`,
    );
  }
  return {
    type: "Bidirectional",
    config: { layer, ...options },
    name,
    inputShape,
    trainable,
    init(given, key) {
      const [first, second] = directions.map((prefix) => layer.init(given, key.fold(prefix)));
      const { outputShape } = first;
      if (given.length !== 2 || outputShape.length === 0 || outputShape.length > 2) {
        throw new ShapeError(
          `expected input of steps and features, and a layer that gives units or steps and units, ` +
            `got ${formatShape(given)} to ${formatShape(outputShape)}`,
        );
      }
      const width = outputShape[outputShape.length - 1] * (mergeMode === "concat" ? 2 : 1);
      return {
        outputShape: [...outputShape.slice(0, -1), width],
        parameters: [first, second].flatMap(({ parameters }, place) =>
          parameters.map((made) => ({
            ...made,
            name: `${directions[place]}${made.name}`,
            trainable: made.trainable && layer.trainable !== false,
          }))
        ),
      };
    },
    apply(parameters, x, context) {
      const [forward, backward] = directions.map((prefix, place) => {
        const own = Object.fromEntries(
          Object.entries(parameters).filter(([role]) => role.startsWith(prefix))
            .map(([role, value]) => [role.slice(prefix.length), value]),
        );
        const [mask] = context.masks;
        const [sequence, counted] = place === 0 ? [x, mask] : [turned(x), mask && turnedMask(mask)];
        const y = layer.apply(own, sequence, innerContext(context, prefix, counted));
        return place === 1 && y.rank === 3 ? turned(y) : y;
      });
      return merges[mergeMode](forward, backward);
    },
    supportsMasking: layer.supportsMasking,
    ...(layer.computeMask && { computeMask: (x, mask) => layer.computeMask!(x, mask) }),
  };
}

function turnedMask(mask: Tensor): Tensor {
  const [batch, steps] = mask.shape;
  const numbers = reshape(cast(mask, "f32"), [batch, steps, 1]);
  return reshape(greater(turned(numbers), 0), mask.shape);
}

/** A batch of sequences from their ends. */
function turned(x: Tensor): Tensor {
  const steps = x.shape[1];
  const line = gather(transpose(x, [1, 0, 2]), sub(steps - 1, iota([steps], 0)));
  return transpose(line, [1, 0, 2]);
}
