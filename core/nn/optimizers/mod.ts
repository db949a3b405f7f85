/** Rules that change weights by their gradients: one family a file. */

export { adam, adamw } from "./adam.ts";
export type { AdamOptions } from "./adam.ts";
export { rmsprop } from "./rmsprop.ts";
export type { RmspropOptions } from "./rmsprop.ts";
export { sgd } from "./sgd.ts";
export type { SgdOptions } from "./sgd.ts";
