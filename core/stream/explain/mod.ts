/**
 * Why a model decides as it does.
 *
 * @module
 */
export {
  activationMaximisation,
  type ActivationMaximisationOptions,
  type MaximalInput,
} from "./activation_maximisation.ts";
export type { Attribution, Explained } from "./attribution.ts";
export { explain, type ExplainOptions } from "./explain.ts";
export { gradCam, type GradCamOptions } from "./grad_cam.ts";
export {
  inputTimesGradient,
  integratedGradients,
  type IntegratedGradientsOptions,
  saliency,
  smoothGrad,
  type SmoothGradOptions,
} from "./gradient_methods.ts";
export {
  occlusion,
  type OcclusionOptions,
  shapleySampling,
  type ShapleyTokenSampling,
} from "./masked_methods.ts";
export {
  type FeatureImportance,
  permutationImportance,
  type PermutationImportanceOptions,
} from "./permutation_importance.ts";
export { weightImages, type WeightImagesOptions } from "./weight_images.ts";
