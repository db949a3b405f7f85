/** Penalties on weights that are added to the loss: one a file. */

export { l1 } from "./l1.ts";
export { l1L2 } from "./l1_l2.ts";
export type { L1L2Options } from "./l1_l2.ts";
export { l2 } from "./l2.ts";
export { orthogonalRegularizer } from "./orthogonal_regularizer.ts";
export type { OrthogonalRegularizerOptions } from "./orthogonal_regularizer.ts";
