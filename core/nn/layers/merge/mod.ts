/** Layers of several inputs: one a file. */

export { addLayer } from "./add.ts";
export { average } from "./average.ts";
export { concatenate } from "./concatenate.ts";
export type { ConcatenateOptions } from "./concatenate.ts";
export { dot } from "./dot.ts";
export type { DotOptions } from "./dot.ts";
export type { MergeOptions } from "./elementwise.ts";
export { mergeLambda } from "./merge_lambda.ts";
export { maximumLayer } from "./maximum.ts";
export { minimumLayer } from "./minimum.ts";
export { multiply } from "./multiply.ts";
export { subtract } from "./subtract.ts";
