import type { Tensor } from "../../graph/tensor.ts";

/** What a method of explanation may ask about a model and a batch. */
export interface Explained {
  /** The inputs, `[batch, ...features]`, f32. */
  readonly x: Tensor;
  /**
   * The number that is explained, for copies of the batch: the output of each sample's target.
   *
   * @param rows `[copies * batch, ...features]`, f32: other inputs in the place of `x`, one batch
   * after the other. To differentiate by rows that a reshape has made, give `rows.add(0)`: two
   * reshapes are one, and would go past them.
   * @returns `[copies, batch]`.
   */
  score(rows: Tensor): Tensor;
  /**
   * What a layer gives for `x`, and the number that is explained, as it follows from that.
   *
   * @param name The layer's name: `conv2d_2`.
   * @throws {RangeError} when the model has no such layer.
   */
  layer(name: string): { readonly activations: Tensor; readonly score: Tensor };
}

/** A way to say how much each feature of an input has to do with a model's decision. */
export interface Attribution {
  /** Name, for messages. */
  readonly name: string;
  /** Copies of a sample that the model is given at once, to keep batches small. */
  readonly copies: number;
  /**
   * How much each feature counts.
   *
   * @param explained The model and the batch.
   * @returns `[batch, ...features]`, f32.
   */
  apply(explained: Explained): Tensor;
}
