/** How weights start: one family a file. */

export { initializerNames, initializerOf } from "./by_name.ts";
export type { InitializerName } from "./by_name.ts";
export { constant, onesInitializer, zerosInitializer } from "./constant.ts";
export { glorotNormal, glorotUniform } from "./glorot.ts";
export { heNormal, heUniform } from "./he.ts";
export { identityInitializer } from "./identity.ts";
export { lecunNormal, lecunUniform } from "./lecun.ts";
export { orthogonal } from "./orthogonal.ts";
export { randomNormal, truncatedNormal } from "./random_normal.ts";
export type { RandomNormalOptions } from "./random_normal.ts";
export { randomUniform } from "./random_uniform.ts";
export type { RandomUniformOptions } from "./random_uniform.ts";
export { varianceScaling } from "./variance_scaling.ts";
export type { VarianceScalingOptions } from "./variance_scaling.ts";
