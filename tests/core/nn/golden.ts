/** A tensor of a golden file, row by row; tests/golden/README.md describes the files. */
export interface GoldenTensor {
  readonly shape: number[];
  readonly data: number[];
}
