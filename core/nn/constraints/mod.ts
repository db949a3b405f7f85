/** What weights must keep after every update: one constraint a file. */

export { maxNorm } from "./max_norm.ts";
export type { MaxNormOptions } from "./max_norm.ts";
export { minMaxNorm } from "./min_max_norm.ts";
export type { MinMaxNormOptions } from "./min_max_norm.ts";
export { nonNeg } from "./non_neg.ts";
export type { NormOptions } from "./scaled.ts";
export { unitNorm } from "./unit_norm.ts";
