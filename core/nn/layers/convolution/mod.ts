/** Layers whose window goes over a line, a plane or a volume. */

export { averagePooling1d } from "./average_pooling1d.ts";
export { averagePooling2d } from "./average_pooling2d.ts";
export { averagePooling3d } from "./average_pooling3d.ts";
export type { ConvOptions, KernelOptions } from "./conv.ts";
export { conv1d } from "./conv1d.ts";
export { conv2d } from "./conv2d.ts";
export { conv3d } from "./conv3d.ts";
export type { AxisSizes, Padding } from "./geometry.ts";
export { maxPooling1d } from "./max_pooling1d.ts";
export { maxPooling2d } from "./max_pooling2d.ts";
export { maxPooling3d } from "./max_pooling3d.ts";
export type { PoolingOptions } from "./pooling.ts";
