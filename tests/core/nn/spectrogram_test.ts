/** Spectrograms as layers: against PyTorch's transforms, on every device. */
import assert from "node:assert/strict";
import { gradients } from "../../../core/ops/mod.ts";
import * as nn from "../../../core/nn/mod.ts";
import sound from "../../golden/sound.json" with { type: "json" };
import golden from "../../golden/stft.json" with { type: "json" };
import { evaluateOn, testOnDevices } from "../../devices.ts";
import { assertClose } from "./close.ts";
import { TestContext } from "./context.ts";
import { goldenLeaf, type GoldenTensor } from "./golden.ts";
import { testLayerCases } from "./layer_cases.ts";

await testLayerCases("stftSpectrogram gives PyTorch's transforms and gradients", golden.cases);

const key = nn.namedKey(1, "layer");

for (const [name, { arguments: [options], weights }] of Object.entries(golden.cases)) {
  Deno.test(`stftSpectrogram, ${name}: the kernels start as waves times the window`, () => {
    const layer = nn.stftSpectrogram(options as nn.StftSpectrogramOptions);
    const made = layer.init([64, 1], key).parameters;
    for (const { name, values } of made) {
      const expected = weights as unknown as Record<string, GoldenTensor>;
      assertClose(values, expected[name].data, 1e-7);
    }
  });
}

type SoundCase = Record<"samples" | "output", GoldenTensor> & { options: object };
const cases = Object.values(sound.cases as unknown as Record<string, SoundCase>);
let expected: ReturnType<typeof evaluateOn> | undefined;

await testOnDevices("melSpectrogramLayer gives PyTorch's spectrograms", async (device) => {
  const made = cases.map(({ options, samples }) => {
    const layer = nn.melSpectrogramLayer(options);
    const x = goldenLeaf(samples).reshape([1, samples.shape[0]]);
    const y = layer.apply({}, x, new TestContext(true));
    assert.deepEqual([1, ...layer.init([samples.shape[0]], key).outputShape as number[]], y.shape);
    return [y, ...gradients(y.square().sum(), [x])];
  });
  const slopes = made.map(([, slope]) => slope);
  const found = await evaluateOn(device, made.flat());
  const exact = await (expected ??= evaluateOn({ device: "reference" }, slopes));
  cases.forEach(({ output }, place) => {
    assertClose(found[2 * place], output.data, 1e-4, `case ${place}`);
    // Of what is very soft, decibels have large slopes.
    assertClose(found[2 * place + 1], exact[place], 2e-2, `gradient of case ${place}`);
  });
});

Deno.test("spectrogram layers refuse what does not fit", () => {
  const wrong: [nn.StftSpectrogramOptions, RegExp][] = [
    [{ mode: "power" as "psd" }, /mode must be one of log.*received "power"/],
    [{ scaling: "sum" as "none" }, /scaling must be one of density, spectrum, none/],
    [{ frameLength: 1 }, /frameLength of stftSpectrogram/],
    [{ frameLength: 8, frameStep: 9 }, /frameStep must be at most frameLength: received 9 and 8/],
    [{ frameLength: 8, fftLength: 6 }, /fftLength must be even and at least frameLength/],
    [{ frameLength: 8, fftLength: 9 }, /fftLength must be even/],
    [{ frameLength: 3, window: [1, 2] }, /a finite number for each of 3 samples: received \[2\]/],
    [{ window: "blackman" as "hann" }, /one of hann, hamming, none: received "blackman"/],
    [{ padding: "causal" as "same" }, /padding must be valid or same: received "causal"/],
  ];
  for (const [options, message] of wrong) {
    assert.throws(() => nn.stftSpectrogram(options), message);
  }
  assert.throws(() => nn.stftSpectrogram().init([512], key), /channels missing/);
  assert.throws(() => nn.melSpectrogramLayer({ fftLength: 100 }), /power of two: received 100/);
  assert.throws(() => nn.melSpectrogramLayer().init([512, 1], key), /reshapeLayer/);
});
