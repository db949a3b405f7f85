import type { Tensor } from "../graph/tensor.ts";

/** A penalty on a weight or on a layer's outputs, added to the loss that training makes small. */
export interface Regularizer {
  /** Name, as in Keras but camel case: `l2`. */
  readonly name: string;
  /** The options it was made with, by which `modelToJson` writes it. */
  readonly config?: Readonly<Record<string, unknown>>;
  /**
   * The penalty.
   *
   * @param parameter The weight, or the outputs of a layer, of any shape, f32.
   * @returns A scalar, f32.
   */
  apply(parameter: Tensor): Tensor;
}
