import type { Layer } from "./layer.ts";

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

/**
 * The layers with names of their own: `dense_1`, `dense_2`, counted by type among those that were
 * given none, and passing over names that others were given.
 *
 * @throws {Error} when two layers were given one name, or a name holds "/".
 */
export function nameLayers(layers: readonly Layer[]): Layer[] {
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
  return layers.map((layer) => {
    if (layer.name !== "") return layer;
    const base = snakeCase(layer.type);
    let count = counts.get(base) ?? 0;
    do count++; while (taken.has(`${base}_${count}`));
    counts.set(base, count);
    return rename(layer, `${base}_${count}`);
  });
}

// Neither copied nor inherited from: either would break a layer written as a class.
function rename(layer: Layer, name: string): Layer {
  return {
    type: layer.type,
    name,
    inputShape: layer.inputShape,
    trainable: layer.trainable,
    init: (inputShape, key) => layer.init(inputShape, key),
    apply: (parameters, x, context) => layer.apply(parameters, x, context),
  };
}
