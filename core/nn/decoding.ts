import type { Tensor } from "../graph/tensor.ts";

/** What layers keep of a sequence that comes a few steps at a time; see {@link generate}. */
export interface Decoding {
  /** Place of the first of these steps in the whole sequence, i32, rank 0. */
  readonly position: Tensor;
  /** Whether any of these tensors follows from the steps; others are of sequences that are whole. */
  follows(inputs: readonly Tensor[]): boolean;
  /**
   * Keeps rows of these steps beside those of all steps before them.
   *
   * @param name What they are, unique in the layer: `key`.
   * @param rows `[batch, steps, ...]`, f32.
   * @returns `[batch, longest, ...]`, f32: those of all steps so far, in their places, and zeros.
   */
  keep(name: string, rows: Tensor): Tensor;
  /**
   * What {@link Decoding.carry} was given at the steps before these.
   *
   * @param name What it is, unique in the layer: `states`.
   * @param first What it is before the first step, `[batch, ...]`, f32.
   */
  carried(name: string, first: Tensor): Tensor;
  /**
   * Gives what the next steps begin with.
   *
   * @param name What it is, as {@link Decoding.carried} has been asked for.
   * @param next `[batch, ...]`, f32.
   */
  carry(name: string, next: Tensor): void;
}

/** What a layer within another one keeps: names begin with `prefix`. */
export function innerDecoding(
  decoding: Decoding | undefined,
  prefix: string,
): Decoding | undefined {
  return decoding && {
    position: decoding.position,
    follows: (inputs) => decoding.follows(inputs),
    keep: (name, rows) => decoding.keep(`${prefix}${name}`, rows),
    carried: (name, first) => decoding.carried(`${prefix}${name}`, first),
    carry: (name, next) => decoding.carry(`${prefix}${name}`, next),
  };
}
