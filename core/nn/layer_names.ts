import { type AnyLayer, isModel } from "./connect.ts";
import type { ApplyContext, Layer } from "./layer.ts";
import type { MergeLayer } from "./merge_layer.ts";
import type { Tensors } from "./named.ts";

/**
 * A type's name as layers are named: `LayerNormalization` gives `layer_normalization`.
 *
 * Keras's rule, so that `Conv2D` gives `conv2d`.
 */
export function snakeCase(type: string): string {
  return type.replace(/\W+/g, "")
    .replace(/(.)([A-Z][a-z]+)/g, "$1_$2")
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .toLowerCase();
}

/** What a layer's name is made from. */
interface Nameable {
  readonly name: string;
  readonly type: string;
}

/**
 * Names for the layers of a model: `dense_1`, `dense_2`, counted by type among those that were given
 * none, and passing over names that others were given.
 *
 * @throws {Error} when two layers were given one name, or a name holds "/".
 */
export function nameLayers(layers: readonly Nameable[]): string[] {
  const taken = new Set<string>();
  for (const { name, type } of layers) {
    if (name === "") continue;
    if (name.includes("/")) {
      throw new Error(
        `Cannot name a ${type} layer "${name}" as "/" stands between layer and weight: leave it out`,
      );
    }
    if (taken.has(name)) {
      throw new Error(
        `Cannot name two layers "${name}" as names must differ within a model: rename one of them`,
      );
    }
    taken.add(name);
  }
  const counts = new Map<string, number>();
  return layers.map(({ name, type }) => {
    if (name !== "") return name;
    const base = snakeCase(type);
    let count = counts.get(base) ?? 0;
    do count++; while (taken.has(`${base}_${count}`));
    counts.set(base, count);
    return `${base}_${count}`;
  });
}

/** The layer under a name; a model, and a layer that has the name, as they are. */
export function withName(layer: AnyLayer, name: string): AnyLayer {
  return layer.name === name || isModel(layer) ? layer : withFields(layer, { name });
}

/**
 * A layer with another name, or whose weights stay as they are.
 *
 * Neither a copy nor an heir, either of which would break a layer written as a class.
 */
export function withFields(
  layer: Layer | MergeLayer<Tensors>,
  fields: { readonly name?: string; readonly trainable?: boolean; readonly training?: boolean },
): Layer | MergeLayer<Tensors> {
  const { type, name, trainable, training, config, inputShape } = layer;
  const common = { type, name, trainable, training, config, inputShape, ...fields };
  const within = (context: ApplyContext) =>
    fields.training === false ? inferenceContext(context) : context;
  if ("merges" in layer) {
    const merged: MergeLayer<Tensors> = {
      ...common,
      merges: true,
      alone: layer.alone,
      outputNames: layer.outputNames,
      decodes: layer.decodes,
      init: (inputShapes, key) => layer.init(inputShapes, key),
      apply: (parameters, inputs, context) => layer.apply(parameters, inputs, within(context)),
      ...(layer.computeMask &&
        { computeMask: (inputs, masks) => layer.computeMask!(inputs, masks) }),
    };
    return merged;
  }
  const plain: Layer = {
    ...common,
    reverse: layer.reverse,
    reverseOf: layer.reverseOf,
    supportsMasking: layer.supportsMasking,
    decodes: layer.decodes,
    init: (inputShape, key) => layer.init(inputShape, key),
    apply: (parameters, x, context) => layer.apply(parameters, x, within(context)),
    ...(layer.computeMask && { computeMask: (x, mask) => layer.computeMask!(x, mask) }),
  };
  return plain;
}

/** The context of what acts as in inference, whatever the run does. */
export function inferenceContext(context: ApplyContext): ApplyContext {
  return {
    training: false,
    trainable: context.trainable,
    masks: context.masks,
    decoding: context.decoding,
    get counter() {
      return context.counter;
    },
    scalar: (source, name, range) => context.scalar(source, name, range),
    randomKey: (name) => context.randomKey(name),
    assign: (name, value) => context.assign(name, value),
    addLoss: (penalty) => context.addLoss(penalty),
  };
}
