import type { Shape } from "../graph/shape.ts";
import type { NamedKey } from "./named_key.ts";

/** How the first values of a weight are made. */
export interface Initializer {
  /** Name, as in Keras but camel case: `glorotUniform`. */
  readonly name: string;
  /** The options it was made with, by which `modelToJson` writes it. */
  readonly config?: Readonly<Record<string, unknown>>;
  /**
   * First values, row by row; the same shape and key give the same values.
   *
   * @param shape Sizes of the axes; the last two are inputs and outputs.
   * @param key Random key of this weight.
   * @returns As many numbers as the shape has elements.
   */
  values(shape: Shape, key: NamedKey): Float32Array;
}
