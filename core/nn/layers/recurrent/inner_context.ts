import type { ApplyContext } from "../../layer.ts";

/** The context of a layer within a layer: names of scalars, keys and weights begin with `prefix`. */
export function innerContext(context: ApplyContext, prefix: string): ApplyContext {
  return {
    training: context.training,
    trainable: context.trainable,
    get counter() {
      return context.counter;
    },
    scalar: (source, name, range) => context.scalar(source, `${prefix}${name}`, range),
    randomKey: (name) => context.randomKey(`${prefix}${name}`),
    assign: (name, value) => context.assign(`${prefix}${name}`, value),
    addLoss: (penalty) => context.addLoss(penalty),
  };
}
