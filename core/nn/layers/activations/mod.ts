/** Layers that apply one function to every element, or along an axis. */

export { eluLayer } from "./elu.ts";
export type { EluOptions } from "./elu.ts";
export { leakyReluLayer } from "./leaky_relu.ts";
export type { LeakyReluOptions } from "./leaky_relu.ts";
export { softmaxLayer } from "./softmax.ts";
export type { SoftmaxOptions } from "./softmax.ts";
