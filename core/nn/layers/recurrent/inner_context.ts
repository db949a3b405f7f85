import { innerDecoding } from "../../decoding.ts";
import type { ApplyContext } from "../../layer.ts";
import type { Mask } from "../../mask.ts";

/**
 * The context of a layer within a layer: names of scalars, keys and weights begin with `prefix`, and
 * the masks are those of what it is given.
 */
export function innerContext(
  context: ApplyContext,
  prefix: string,
  ...masks: readonly Mask[]
): ApplyContext {
  return {
    training: context.training,
    trainable: context.trainable,
    masks,
    decoding: innerDecoding(context.decoding, prefix),
    get counter() {
      return context.counter;
    },
    scalar: (source, name, range) => context.scalar(source, `${prefix}${name}`, range),
    randomKey: (name) => context.randomKey(`${prefix}${name}`),
    assign: (name, value) => context.assign(`${prefix}${name}`, value),
    addLoss: (penalty) => context.addLoss(penalty),
  };
}
