// What layers that change pictures, and the sampling that they stand on, refuse.
import assert from "node:assert/strict";
import * as nn from "../../../core/nn/mod.ts";
import { sampleImage, tensor } from "../../../core/ops/mod.ts";

const few = tensor(Array(360).fill(0.5), { shape: [9, 4, 5, 2] });
const refused: [what: string, make: () => unknown, message: RegExp][] = [
  ["a shift of two", () => nn.randomTranslation(2, 0), /heightFactor of randomTranslation .* 2/],
  [
    "a range upside down",
    () => nn.randomRotation([0.2, 0.1]),
    /the smaller one first: .*0\.2,0\.1/,
  ],
  ["three numbers", () => nn.randomZoom([0, 0, 0] as never), /or two .*\[0,0,0\]/],
  [
    "an unknown fill mode",
    () => nn.randomRotation(0.1, { fillMode: "mirror" as never }),
    /randomRotation as fillMode must be one of constant.*"mirror"/,
  ],
  [
    "an unknown interpolation",
    () => nn.randomRotation(0.1, { interpolation: "cubic" as never }),
    /bilinear or nearest: received "cubic"/,
  ],
  ["an unknown flip", () => nn.randomFlip("both" as never), /one of horizontal.*"both"/],
  ["no height", () => nn.randomCrop(0, 2), /the height of randomCrop .*received 0/],
  ["half a width", () => nn.centerCrop(2, 1.5), /the width of centerCrop .*received 1\.5/],
  ["a contrast of two", () => nn.randomContrast(2), /factor of randomContrast .*received 2/],
  ["white below black", () => nn.randomBrightness(0.1, { valueRange: [1, 0] }), /\[1,0\]/],
  ["a probability of two", () => nn.randomErasing({ factor: 2 }), /factor of randomErasing .* 2/],
  ["a strength of two", () => nn.randomElasticTransform({ scale: 2 }), /scale of random.* 2/],
  ["resizing by splines", () => nn.resizing(2, 2, { interpolation: "cubic" as never }), /"cubic"/],
  [
    "sampleImage by another mode",
    () => sampleImage(few, few as never, few as never, { fillMode: "mirror" as never }),
    /sampleImage as fillMode must be one of .*"mirror"/,
  ],
  [
    "sampleImage with a fill value of NaN",
    () => sampleImage(few, few as never, few as never, { fillValue: NaN }),
    /fillValue must be a finite number: received NaN/,
  ],
];
for (const [what, make, message] of refused) {
  Deno.test(`${what} is refused`, () => assert.throws(make, message));
}
