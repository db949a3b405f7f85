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

/** {@link innerContext} for `layer`, which stands still where it is frozen itself. */
export function layerContext(
  layer: { readonly trainable?: boolean },
  context: ApplyContext,
  prefix: string,
  ...masks: readonly Mask[]
): ApplyContext {
  return Object.assign(innerContext(context, prefix, ...masks), {
    trainable: context.trainable && layer.trainable !== false,
  });
}
