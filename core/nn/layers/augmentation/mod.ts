/** Layers that change pictures: at random in training, or to another size. */

export { centerCrop } from "./center_crop.ts";
export { randAugment } from "./rand_augment.ts";
export type { RandAugmentOptions } from "./rand_augment.ts";
export { randomAffine } from "./random_affine.ts";
export type { RandomAffineOptions } from "./random_affine.ts";
export { randomBrightness } from "./random_brightness.ts";
export { randomContrast } from "./random_contrast.ts";
export type { ValueOptions } from "./random_contrast.ts";
export { randomCrop } from "./random_crop.ts";
export { randomElasticTransform } from "./random_elastic_transform.ts";
export type { RandomElasticTransformOptions } from "./random_elastic_transform.ts";
export { randomErasing } from "./random_erasing.ts";
export type { RandomErasingOptions } from "./random_erasing.ts";
export { randomFlip } from "./random_flip.ts";
export type { FlipMode } from "./random_flip.ts";
export { randomRotation } from "./random_rotation.ts";
export { randomTranslation } from "./random_translation.ts";
export { randomZoom } from "./random_zoom.ts";
export type { RandomZoomOptions } from "./random_zoom.ts";
export { resizing } from "./resizing.ts";
export type { ResizingOptions } from "./resizing.ts";
export type { Bounds, Factor } from "./factor.ts";
export type { SamplingOptions } from "./affine.ts";
export type { AugmentationOptions } from "./image_layer.ts";
