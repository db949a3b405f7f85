/** Sound: the transform against its definition, spectrograms against PyTorch, WAV files byte by byte. */
import assert from "node:assert/strict";
import { melSpectrogram, type MelSpectrogramOptions, parseWav, powerSpectrum } from "../../mod.ts";
import golden from "../golden/sound.json" with { type: "json" };
import { assertClose } from "../core/nn/close.ts";
import { mulberry32 } from "../core/ops/generator.ts";
import { soundWindow } from "../../core/state/mel_settings.ts";

Deno.test("the transform is that of the definition, in float64", () => {
  const random = mulberry32(1);
  for (const length of [2, 4, 8, 64, 256]) {
    const values = Float64Array.from({ length }, () => random() * 2 - 1);
    const expected = Array.from({ length: length / 2 + 1 }, (_, k) => {
      let [real, imaginary] = [0, 0];
      values.forEach((value, n) => {
        const angle = -2 * Math.PI * ((k * n) % length) / length;
        real += value * Math.cos(angle);
        imaginary += value * Math.sin(angle);
      });
      return real ** 2 + imaginary ** 2;
    });
    const spectrum = powerSpectrum(length);
    const result = new Float64Array(length / 2 + 1);
    // Twice: nothing of the first is left.
    spectrum(Float64Array.from({ length }, random), result);
    assert.equal(spectrum(values, result), result);
    assertClose(result, expected, 1e-12, `of ${length}`);
    // Parseval: nothing is lost.
    const energy = values.reduce((sum, value) => sum + value ** 2, 0);
    const twice = result.reduce(
      (sum, power, k) => sum + power * (k === 0 || k === length / 2 ? 1 : 2),
      0,
    );
    assertClose([twice / length], [energy], 1e-12);
  }
  for (const length of [0, 1, 3, 48, 2.5, NaN]) {
    assert.throws(() => powerSpectrum(length), /power of two from 2/);
  }
});

type Case =
  & { options: MelSpectrogramOptions }
  & Record<
    "samples" | "output",
    { shape: number[]; data: number[] }
  >;
for (const [name, given] of Object.entries(golden.cases as unknown as Record<string, Case>)) {
  Deno.test(`melSpectrogram, ${name}: PyTorch's transform, Keras's bands`, () => {
    const { data, shape } = melSpectrogram(given.samples.data, given.options);
    assert.deepEqual(shape, given.output.shape);
    assertClose(data, given.output.data, 1e-6);
  });
}

Deno.test("melSpectrogram: sound shorter than half a frame is mirrored, silence is the smallest power", () => {
  const { data, shape } = melSpectrogram([0.5, -0.25, 0.125], { fftLength: 64, numMelBins: 4 });
  assert.deepEqual(shape, [1, 4]);
  assert(data.every(Number.isFinite));
  const silence = melSpectrogram(new Float32Array(100), { fftLength: 64, numMelBins: 4 });
  assert(silence.data.every((level) => level === -100));
  const one = melSpectrogram([1], { fftLength: 64, numMelBins: 4, minFreq: 0 });
  assert(one.data.every(Number.isFinite));
});

Deno.test("melSpectrogram: nothing lies further below the loudest of all frames than topDb", () => {
  const random = mulberry32(2);
  // The second half is 60 dB below the first.
  const samples = Float32Array.from(
    { length: 1024 },
    (_, n) => (random() * 2 - 1) * (n < 512 ? 1 : 1e-3),
  );
  const levelsOf = (topDb: number) =>
    melSpectrogram(samples, { fftLength: 64, sequenceStride: 32, numMelBins: 5, topDb }).data;
  const all = levelsOf(Infinity);
  const least = Math.max(...all) - 30;
  assert(Math.min(...all) < least - 10);
  assertClose(levelsOf(30), all.map((level) => Math.max(level, least)), 1e-6);
});

Deno.test("melSpectrogram refuses options out of range", () => {
  const wrong: [MelSpectrogramOptions, RegExp][] = [
    [{ fftLength: 100 }, /power of two.*received 100/],
    [{ fftLength: 1 }, /fftLength must be a whole number from 2/],
    [{ fftLength: 64, sequenceLength: 65 }, /sequenceLength .* from 1 to 64: received 65/],
    [{ sequenceStride: 0 }, /sequenceStride must be a whole number from 1/],
    [{ numMelBins: 1.5 }, /numMelBins/],
    [{ maxFreq: 9000 }, /minFreq < maxFreq ≤ samplingRate \/ 2 must hold: received 20, 9000/],
    [{ minFreq: -1 }, /minFreq/],
    [{ window: "blackman" as "hann" }, /one of hann, hamming, none: received "blackman"/],
    [{ minPower: 0 }, /minPower must be above 0/],
    [{ magExp: NaN }, /magExp must be a finite number: received NaN/],
    [{ refPower: -Infinity }, /refPower must be a finite number: received -Infinity/],
    [{ samplingRate: Infinity }, /samplingRate must be a finite number: received Infinity/],
    [{ minFreq: "20" as never }, /minFreq must be a finite number: received "20"/],
    [{ topDb: NaN }, /topDb must be a finite number: received NaN/],
  ];
  for (const [options, message] of wrong) {
    assert.throws(() => melSpectrogram([1, 2, 3], options), message);
  }
  assert.throws(() => melSpectrogram([]), /no samples/);
});

const text = (word: string) => [...new TextEncoder().encode(word)];
const little = (value: number, bytes: number) =>
  Array.from({ length: bytes }, (_, at) => Math.floor(value / 2 ** (8 * at)) & 255);
const part = (name: string, body: number[], length = body.length) => [
  ...text(name),
  ...little(length, 4),
  ...body,
  ...(body.length % 2 ? [0] : []),
];
const formatOf = (code: number, bits: number, channels = 1, rate = 16000) => [
  ...[...little(code, 2), ...little(channels, 2), ...little(rate, 4)],
  ...[...little(rate * channels * bits / 8, 4), ...little(channels * bits / 8, 2)],
  ...little(bits, 2),
];
const wav = (...parts: number[][]) =>
  Uint8Array.from([
    ...text("RIFF"),
    ...little(4 + parts.flat().length, 4),
    ...text("WAVE"),
    ...parts.flat(),
  ]);

Deno.test("parseWav: every form of numbers, channels, parts to pass over", () => {
  const floats = (values: number[], bytes: 4 | 8) => {
    const view = new DataView(new ArrayBuffer(values.length * bytes));
    values.forEach((value, place) =>
      bytes === 4
        ? view.setFloat32(4 * place, value, true)
        : view.setFloat64(8 * place, value, true)
    );
    return [...new Uint8Array(view.buffer)];
  };
  const forms: [code: number, bits: number, body: number[]][] = [
    [1, 8, [192, 0, 127]],
    [1, 16, [...little(16384, 2), ...little(-32768, 2), ...little(-256, 2)]],
    [1, 24, [...little(2 ** 22, 3), ...little(-(2 ** 23), 3), ...little(-65536, 3)]],
    [1, 32, [...little(2 ** 30, 4), ...little(-(2 ** 31), 4), ...little(-(2 ** 24), 4)]],
    [3, 32, floats([0.5, -1, -1 / 128], 4)],
    [3, 64, floats([0.5, -1, -1 / 128], 8)],
  ];
  for (const [code, bits, body] of forms) {
    const found = parseWav(
      wav(part("LIST", [1, 2, 3]), part("fmt ", formatOf(code, bits)), part("data", body)),
    );
    assert.deepEqual([...found.samples], [0.5, -1, -1 / 128], `${code}, ${bits} bits`);
    assert.deepEqual([found.samplingRate, found.channels], [16000, 1]);
  }
  const stereo = parseWav(
    wav(part("fmt ", formatOf(1, 8, 2, 44100)), part("data", [192, 0, 128, 64, 9])),
  );
  // Half a moment at the end is none.
  assert.deepEqual([...stereo.samples], [0.5, -1, 0, -0.5]);
  assert.deepEqual([stereo.samplingRate, stereo.channels], [44100, 2]);
  const extensible = [
    ...formatOf(0xfffe, 16),
    ...little(22, 2),
    ...little(16, 2),
    ...little(4, 4),
    ...little(1, 2),
    ...Array(14).fill(7),
  ];
  assert.deepEqual([
    ...parseWav(wav(part("fmt ", extensible), part("data", little(8192, 2)))).samples,
  ], [0.25]);
  // What was written into a pipe has a length that nobody knew.
  const piped = wav(part("fmt ", formatOf(1, 16)), part("data", little(8192, 2), 0x7ffff000));
  assert.deepEqual([...parseWav(piped).samples], [0.25]);
  // A view into a larger buffer.
  const inside = new Uint8Array([9, 9, 9, ...piped]).subarray(3);
  assert.deepEqual([...parseWav(inside).samples], [0.25]);
});

Deno.test("parseWav refuses what is no whole WAV file, by name", () => {
  const format = part("fmt ", formatOf(1, 16));
  const wrong: [Uint8Array, RegExp][] = [
    [Uint8Array.from([1, 2, 3]), /"a.wav" as it must begin with RIFF and WAVE: received 3 bytes/],
    [wav(format), /must have a part "data": received none/],
    [wav(part("data", [1, 2]), format), /"fmt " must come before "data"/],
    [wav(part("fmt ", formatOf(6, 8)), part("data", [1])), /format 6 of 8 bits, 1 channels/],
    [wav(part("fmt ", formatOf(1, 16, 0)), part("data", [1])), /0 channels/],
    [wav(part("fmt ", [1, 2]), part("data", [1])), /at least 16 bytes: received 2/],
    [wav(format, part("data", [1, 2], 9)), /"data" must have 9 bytes: received 2/],
    [wav(format, part("LIST", [1, 2], 0x7ffff000)), /"LIST" must have/],
  ];
  for (const [bytes, message] of wrong) {
    assert.throws(() => parseWav(bytes, { file: "a.wav" }), message);
    assert.throws(() => parseWav(bytes, { file: "a.wav" }), { name: "DataError", file: "a.wav" });
  }
  assert.throws(() => parseWav(wav(format)), { message: /^Cannot read the WAV file as it must/ });
});

Deno.test("a window of one sample leaves it as it is, as in PyTorch", () => {
  for (const window of ["hann", "hamming", "none"] as const) {
    for (const periodic of [true, false]) {
      assert.deepEqual([...soundWindow(window, 1, periodic)], [1], `${window} ${periodic}`);
    }
  }
});
