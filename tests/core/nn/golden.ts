import { type Tensor, tensor } from "../../../mod.ts";

/** A tensor of a golden file, row by row; tests/golden/README.md describes the files. */
export interface GoldenTensor {
  readonly shape: number[];
  readonly data: number[];
}

/** What every golden case of a layer has. */
export interface GoldenCase {
  readonly input: GoldenTensor;
  readonly weights: Record<string, GoldenTensor>;
  /** Gradient that comes from above. */
  readonly upstream: GoldenTensor;
  readonly output: GoldenTensor;
  readonly gradients: Record<string, GoldenTensor>;
}

/** A golden tensor as a leaf of the graph. */
export function goldenLeaf({ shape, data }: GoldenTensor): Tensor {
  return tensor(data, { shape });
}
