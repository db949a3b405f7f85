/** Layers that disturb what flows through them, in training alone. */

export { alphaDropout } from "./alpha_dropout.ts";
export { gaussianDropout } from "./gaussian_dropout.ts";
export { gaussianNoise } from "./gaussian_noise.ts";
export type { DropoutOptions, NoiseOptions } from "./noise.ts";
export { spatialDropout1d } from "./spatial_dropout1d.ts";
export { spatialDropout2d } from "./spatial_dropout2d.ts";
export { spatialDropout3d } from "./spatial_dropout3d.ts";
