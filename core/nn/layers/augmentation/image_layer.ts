import type { Shape } from "../../../graph/shape.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { add } from "../../../ops/add.ts";
import { full } from "../../../ops/eager.ts";
import { mul } from "../../../ops/mul.ts";
import { type RandomKey, uniform } from "../../../ops/random.ts";
import type { ApplyContext, Layer } from "../../layer.ts";
import { namedKey } from "../../named_key.ts";
import { checkPlaces } from "../convolution/geometry.ts";
import type { Bounds } from "./factor.ts";

/** Options of layers that change pictures at random, in training alone. */
export interface AugmentationOptions {
  /** Name; default the type and a count, as `random_rotation_1`. */
  readonly name?: string;
  /** Seed of the changes; by default that of the run, folded with the layer's name. */
  readonly seed?: number;
  /** Shape of the inputs without the batch, `[height, width, channels]`, for a first layer. */
  readonly inputShape?: Shape;
}

/** Random numbers of a step, by name. */
export interface Draws {
  /** Numbers spread evenly over a range, one a picture: `[batch, 1, 1]`. */
  uniform(name: string, range: Bounds): Tensor;
  /** A key of random numbers. */
  key(name: string): RandomKey;
  /** The step's number. */
  readonly counter: Tensor;
}

/** What becomes of a batch `[batch, height, width, channels]` in training. */
export type Change = (x: Tensor, draws: Draws) => Tensor;

/** What one kind of layer is. */
export interface Kind {
  /** Keras's class name. */
  readonly type: string;
  /** The function that the user calls. */
  readonly factory: string;
  /** What `modelToJson` writes. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Refuses pictures that the layer cannot take. */
  readonly check?: (shape: Shape) => void;
  /** Height and width of the outputs; default those of the inputs. */
  readonly sizes?: (shape: Shape) => readonly [number, number];
  /** What becomes of a batch `[batch, height, width, channels]` in training. */
  readonly change: Change;
  /** What becomes of it in inference; by default it stays as it is. */
  readonly rest?: (x: Tensor) => Tensor;
}

/** A layer that changes pictures at random in training. */
export function imageLayer(kind: Kind, options: AugmentationOptions): Layer {
  const { type, factory, config, check, sizes, change, rest = (x) => x } = kind;
  const { name = "", seed, inputShape } = options;
  const own = seed === undefined ? undefined : namedKey(seed, factory);
  return {
    type,
    name,
    inputShape,
    config,
    init(given) {
      checkPlaces(2, given);
      check?.(given);
      const [height, width] = sizes?.(given) ?? given;
      return { outputShape: [height, width, given[2]], parameters: [] };
    },
    apply(_parameters, x, context: ApplyContext) {
      if (!context.training) return rest(x);
      const key = (part: string): RandomKey => own?.fold(part) ?? context.randomKey(part);
      return change(x, {
        key,
        counter: context.counter,
        uniform: (part, range) => between(key(part), [x.shape[0], 1, 1], context.counter, range),
      });
    },
  };
}

/** Random numbers spread evenly over a range. */
export function between(
  key: RandomKey,
  shape: Shape,
  counter: Tensor,
  [low, high]: Bounds,
): Tensor {
  if (low === high) return full(shape, low);
  return add(mul(uniform(key, shape, counter), high - low), low);
}
