import type { Layer } from "../../layer.ts";
import { type Bounds, type Factor, orderedPair } from "./factor.ts";
import { type AugmentationOptions, type Change, imageLayer, type Kind } from "./image_layer.ts";

/** Options of layers that change how bright pixels are. */
export interface ValueOptions extends AugmentationOptions {
  /** The values of black and of white, where results are cut off; default [0, 255]. */
  readonly valueRange?: Bounds;
}

/** Makes a change of values out of a factor, which messages call `name`. */
export type ValueChange = (factory: string, name: string, factor: Factor, bounds: Bounds) => Change;

/** A layer that changes the values of pictures by a factor, between the bounds of its options. */
export function valueLayer(
  { type, factory, check }: Pick<Kind, "type" | "factory" | "check">,
  changeBy: ValueChange,
  factor: Factor,
  options: ValueOptions,
): Layer {
  const bounds = orderedPair(factory, "valueRange", options.valueRange ?? [0, 255]);
  const change = changeBy(factory, "factor", factor, bounds);
  return imageLayer({ type, factory, config: { factor, ...options }, check, change }, options);
}
