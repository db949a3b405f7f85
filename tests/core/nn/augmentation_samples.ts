import * as nn from "../../../core/nn/mod.ts";
import type { LayerSamples } from "./json_parts.ts";

const picture = [6, 5, 2];
const color = [6, 5, 3];

/** Layers that change pictures, with options that are not the defaults, and shapes of what they take. */
export const augmentationSamples: LayerSamples = {
  augMix: [
    nn.augMix({ valueRange: [0, 1], numChains: 2, chainDepth: 1, factor: 0.5, allOps: false }),
    picture,
  ],
  autoContrast: [nn.autoContrast({ valueRange: [0, 1], name: "stretch" }), picture],
  centerCrop: [nn.centerCrop(3, 2), picture],
  equalization: [nn.equalization({ valueRange: [0, 1], bins: 64 }), picture],
  randAugment: [
    nn.randAugment({ valueRange: [0, 1], numOps: 3, factor: 0.75, fillMode: "wrap", seed: 4 }),
    picture,
  ],
  randomAffine: [
    nn.randomAffine({
      heightFactor: 0.1,
      widthFactor: [-0.2, 0],
      rotationFactor: 0.125,
      shearFactor: 0.25,
      zoomFactor: [0, 0.5],
      fillMode: "constant",
      fillValue: 0.5,
    }),
    picture,
  ],
  randomBrightness: [nn.randomBrightness([0, 0.5], { valueRange: [0, 1], seed: 3 }), picture],
  randomColorDegeneration: [nn.randomColorDegeneration(0.5, { seed: 3 }), color],
  randomColorJitter: [
    nn.randomColorJitter({ brightnessFactor: 0.1, saturationFactor: [0.25, 0.5], hueFactor: 0.5 }),
    color,
  ],
  randomContrast: [nn.randomContrast([0.5, 0.25], { valueRange: [-1, 1] }), picture],
  randomCrop: [nn.randomCrop(3, 4, { seed: 5 }), picture],
  randomElasticTransform: [
    nn.randomElasticTransform({ factor: [0.5, 1], scale: [0.25, 1], fillMode: "wrap" }),
    picture,
  ],
  randomErasing: [
    nn.randomErasing({ factor: 0.5, scale: [0.25, 0.5], fillValue: 2, valueRange: [0, 3] }),
    picture,
  ],
  randomFlip: [nn.randomFlip("vertical", { seed: 2 }), picture],
  randomGaussianBlur: [
    nn.randomGaussianBlur({ factor: 0.5, kernelSize: [3, 5], sigma: [0.5, 1], valueRange: [0, 1] }),
    picture,
  ],
  randomGrayscale: [nn.randomGrayscale(0.25, { seed: 3 }), color],
  randomHue: [nn.randomHue([0.25, 0.5], { valueRange: [0, 1] }), color],
  randomInvert: [nn.randomInvert(0.5, { valueRange: [0, 1] }), picture],
  randomPerspective: [
    nn.randomPerspective({ factor: 0.5, scale: 0.25, interpolation: "nearest", fillValue: 2 }),
    picture,
  ],
  randomPosterization: [nn.randomPosterization([2, 4]), picture],
  randomRotation: [nn.randomRotation(0.25, { interpolation: "nearest" }), picture],
  randomSaturation: [nn.randomSaturation(0.75, { valueRange: [0, 1] }), color],
  randomShear: [nn.randomShear([0.1, 0.2], 0.25, { fillMode: "wrap" }), picture],
  randomSharpness: [nn.randomSharpness(0.75, { seed: 8 }), picture],
  randomTranslation: [nn.randomTranslation(0.25, [0, 0.5], { fillMode: "nearest" }), picture],
  randomZoom: [nn.randomZoom([-0.5, 0], { widthFactor: 0.25 }), picture],
  resizing: [
    nn.resizing(3, 7, { interpolation: "lanczos3", cropToAspectRatio: true, name: "smaller" }),
    picture,
  ],
  solarization: [
    nn.solarization({ additionFactor: 0.25, thresholdFactor: [0.25, 0.5], valueRange: [0, 1] }),
    picture,
  ],
};
