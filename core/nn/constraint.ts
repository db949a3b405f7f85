import type { Tensor } from "../graph/tensor.ts";

/** What a weight must keep: it is put right after every update. */
export interface Constraint {
  /** Name, as in Keras but camel case: `maxNorm`. */
  readonly name: string;
  /** The options it was made with, by which `modelToJson` writes it. */
  readonly config?: Readonly<Record<string, unknown>>;
  /**
   * The nearest weight that is allowed.
   *
   * @param parameter The weight as the optimizer left it, f32.
   * @returns The weight to keep, of the same shape.
   */
  apply(parameter: Tensor): Tensor;
}
