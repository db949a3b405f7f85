/** The beam search of ctcDecode against all alignments, one by one, and against the loss. */
import assert from "node:assert/strict";
import { ctc, ctcDecode, tensor } from "../../../mod.ts";
import { mulberry32 } from "../ops/generator.ts";
import { assertClose } from "./close.ts";
import { valuesOf } from "./context.ts";

const random = mulberry32(11);

/** Logits of `[samples, steps, classes]`, some of them far apart. */
function logitsOf(samples: number, steps: number, classes: number) {
  const data = Float32Array.from({ length: samples * steps * classes }, () => 6 * random() - 3);
  return { data, shape: [samples, steps, classes] };
}

function probabilities(row: ArrayLike<number>): number[] {
  const powers = Array.from(row, (value) => Math.exp(value));
  const sum = powers.reduce((total, value) => total + value, 0);
  return powers.map((value) => value / sum);
}

/** Every way through the steps, added up by the labels that it writes; the likeliest labels first. */
function allLabels(
  rows: readonly (readonly number[])[],
  maskIndex: number,
  mergeRepeated: boolean,
): { labels: number[]; probability: number }[] {
  const found = new Map<string, number>();
  const walk = (step: number, way: readonly number[], probability: number) => {
    if (step === rows.length) {
      const labels = way.filter((label, place) =>
        label !== maskIndex && !(mergeRepeated && label === way[place - 1])
      );
      const key = labels.join();
      found.set(key, (found.get(key) ?? 0) + probability);
      return;
    }
    rows[step].forEach((value, label) => walk(step + 1, [...way, label], probability * value));
  };
  walk(0, [], 1);
  return [...found]
    .map(([key, probability]) => ({
      labels: key === "" ? [] : key.split(",").map(Number),
      probability,
    }))
    .sort((a, b) => b.probability - a.probability);
}

for (const [steps, classes, maskIndex] of [[1, 2, 0], [4, 3, 0], [5, 3, 2], [5, 4, 1]]) {
  for (const mergeRepeated of [true, false]) {
    Deno.test(`a wide beam finds all of ${steps} steps, ${classes} classes, blank ${maskIndex}, ${mergeRepeated}`, () => {
      const outputs = logitsOf(3, steps, classes);
      const options = { maskIndex, mergeRepeated, beamWidth: 2000 };
      const found = ctcDecode(outputs, { ...options, topPaths: 2000 });
      const best = ctcDecode(outputs, options);
      found.forEach((paths, sample) => {
        const rows = Array.from({ length: steps }, (_, step) => {
          const from = (sample * steps + step) * classes;
          return probabilities(outputs.data.subarray(from, from + classes));
        });
        const expected = allLabels(rows, maskIndex, mergeRepeated);
        assert.deepEqual(paths.map(({ labels }) => labels), expected.map(({ labels }) => labels));
        assertClose(
          paths.map(({ logProbability }) => logProbability),
          expected.map(({ probability }) => Math.log(probability)),
        );
        assert.deepEqual(best[sample], expected[0].labels);
      });
    });
  }
}

Deno.test("the probability of the best labels is that of the loss", () => {
  const outputs = logitsOf(4, 7, 4);
  const found = ctcDecode(outputs, { beamWidth: 400, topPaths: 1 });
  found.forEach(([{ labels, logProbability }], sample) => {
    const logits = tensor(outputs.data.slice(sample * 28, (sample + 1) * 28), { shape: [1, 7, 4] });
    const padded = tensor([[...labels, 0, 0, 0, 0, 0, 0, 0].slice(0, 7)]);
    assertClose(valuesOf(ctc().apply(padded, logits)), [-logProbability], 1e-6);
  });
});

Deno.test("a narrow beam finds less, and never more than there is", () => {
  const outputs = logitsOf(40, 9, 4);
  const width = (beamWidth: number) => ctcDecode(outputs, { beamWidth, topPaths: 1 });
  const [one, six, all] = [1, 6, 5000].map(width);
  for (const found of [one, six, all]) assert(found.every(({ length }) => length === 1));
  all.forEach(([best], sample) => {
    assert(one[sample][0].logProbability <= six[sample][0].logProbability + 1e-12);
    assert(six[sample][0].logProbability <= best.logProbability + 1e-12);
  });
  const right = (found: typeof all) =>
    found.filter(([{ labels }], sample) => labels.join() === all[sample][0].labels.join()).length;
  assert(right(six) > right(one), `${right(six)} ${right(one)}`);
  assert(right(six) >= 30, `${right(six)} of 40`);
  // What each step's likeliest class gives is not what is likeliest.
  const greedy = ctcDecode(outputs);
  assert(greedy.some((labels, sample) => labels.join() !== all[sample][0].labels.join()));
});

Deno.test("lengths, probabilities, certainty and long sequences", () => {
  const outputs = logitsOf(3, 5, 3);
  const lengths = [0, 2, 5];
  const found = ctcDecode(outputs, { beamWidth: 50, topPaths: 50, lengths });
  assert.deepEqual(found[0], [{ labels: [], logProbability: 0 }]);
  const short = { data: outputs.data.slice(15, 21), shape: [1, 2, 3] };
  assert.deepEqual(found[1], ctcDecode(short, { beamWidth: 50, topPaths: 50 })[0]);
  const shares = Array.from(
    { length: 15 },
    (_, step) => probabilities(outputs.data.slice(3 * step, 3 * step + 3)),
  ).flat();
  const given = { data: shares, shape: [3, 5, 3] };
  const again = ctcDecode(given, { beamWidth: 50, topPaths: 50, lengths, fromLogits: false });
  assert.deepEqual(
    again.map((paths) => paths.map(({ labels }) => labels)),
    found.map((paths) => paths.map(({ labels }) => labels)),
  );
  // Zeros are impossible, and say so by leaving those labels out.
  const certain = { data: [0, 1, 0, 1, 0, 0, 0, 1, 0], shape: [1, 3, 3] };
  const [paths] = ctcDecode(certain, { beamWidth: 9, topPaths: 9, fromLogits: false });
  assert.deepEqual(paths, [{ labels: [1, 1], logProbability: 0 }]);
  const nothing = { data: [1, 0, 0, 0, 0, 1], shape: [1, 3, 2] };
  assert.deepEqual(ctcDecode(nothing, { beamWidth: 3, fromLogits: false }), [[]]);
  // Two thousand steps: their product is far below the smallest number.
  const long = logitsOf(1, 2000, 6);
  const [[{ labels, logProbability }]] = ctcDecode(long, { beamWidth: 20, topPaths: 1 });
  assert(
    labels.length > 300 && logProbability < -745 && logProbability > -4000,
    `${logProbability}`,
  );
});

Deno.test("a beam search refuses what does not fit", () => {
  const outputs = logitsOf(1, 2, 3);
  assert.throws(() => ctcDecode(outputs, { beamWidth: 0 }), /the beamWidth of ctcDecode/);
  assert.throws(
    () => ctcDecode(outputs, { beamWidth: 4, topPaths: 5 }),
    /at most its beamWidth: received 5 of 4/,
  );
  assert.throws(() => ctcDecode(outputs, { topPaths: 1 }), /received 1 of no beamWidth/);
  assert.throws(
    () => ctcDecode(outputs, { beamWidth: 4, maskIndex: 3 }),
    /the blank must be one of the 3 classes: received maskIndex 3/,
  );
});
