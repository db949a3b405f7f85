/** Layers that move, repeat, add or leave out places of their inputs. */

export type { Border, Ends, Sides } from "./border.ts";
export { cropping1d } from "./cropping1d.ts";
export { cropping2d } from "./cropping2d.ts";
export { cropping3d } from "./cropping3d.ts";
export { identity } from "./identity.ts";
export { lambda } from "./lambda.ts";
export { permute } from "./permute.ts";
export type { PlainOptions } from "./plain.ts";
export { pixelShuffle } from "./pixel_shuffle.ts";
export { repeatVector } from "./repeat_vector.ts";
export type { Interpolation, SmoothInterpolation } from "./resample.ts";
export { upSampling1d } from "./up_sampling1d.ts";
export { upSampling2d } from "./up_sampling2d.ts";
export type { UpSampling2dOptions } from "./up_sampling2d.ts";
export { upSampling3d } from "./up_sampling3d.ts";
export { zeroPadding1d } from "./zero_padding1d.ts";
export { zeroPadding2d } from "./zero_padding2d.ts";
export { zeroPadding3d } from "./zero_padding3d.ts";
