/** Connectionist temporal classification against PyTorch, its corners, and what a network learns. */
import assert from "node:assert/strict";
import { lastValueFrom } from "rxjs";
import {
  adam,
  arrays,
  ctc,
  ctcDecode,
  dense,
  editDistance,
  fit,
  gradients,
  gru,
  input,
  masking,
  predict,
  sequential,
  tensor,
} from "../../../mod.ts";
import golden from "../../golden/ctc.json" with { type: "json" };
import { evaluateOn, testOnDevices } from "../../devices.ts";
import { mulberry32 } from "../ops/generator.ts";
import { assertClose } from "./close.ts";
import { goldenLeaf, type GoldenTensor } from "./golden.ts";

interface Case {
  logits: GoldenTensor;
  labels: GoldenTensor;
  lengths: number[];
  maskIndex: number;
  upstream: GoldenTensor;
  losses: GoldenTensor;
  gradient: GoldenTensor;
}

const cases = Object.entries(golden.cases as unknown as Record<string, Case>);
const untilOf = (lengths: readonly number[], steps: number) =>
  tensor(lengths.map((length) => Array.from({ length: steps }, (_, step) => +(step < length))))
    .greater(0);

await testOnDevices("ctc gives PyTorch's losses and gradients", async (device) => {
  // All in one plan: one by one, a GPU would compile for minutes.
  const made = cases.map(([, { logits, labels, lengths, maskIndex, upstream }]) => {
    const x = goldenLeaf(logits);
    const losses = ctc({ maskIndex })
      .apply(goldenLeaf(labels), x, untilOf(lengths, logits.shape[1]));
    return [losses, ...gradients(losses, [x], goldenLeaf(upstream))];
  });
  const found = await evaluateOn(device, made.flat());
  cases.forEach(([name, { losses, gradient }], place) => {
    assertClose(found[2 * place], losses.data, 2e-6, `${name}, losses`);
    // The logarithms of 150 steps add up to some hundreds, where float32 has steps of 6e-5.
    const allowed = name === "long" ? 2e-4 : 2e-5;
    assertClose(found[2 * place + 1], gradient.data, allowed, `${name}, gradient`);
  });
});

Deno.test("ctc: no mask is a mask of all steps, and padding among the steps changes nothing", async () => {
  const [, { logits, labels }] = cases[0];
  const [batch, steps, classes] = logits.shape;
  const plain = await ctc().apply(goldenLeaf(labels), goldenLeaf(logits)).data();
  const all = untilOf(Array(batch).fill(steps), steps);
  assert.deepEqual(await ctc().apply(goldenLeaf(labels), goldenLeaf(logits), all).data(), plain);
  // A step of padding before each.
  const wide = Float32Array.from({ length: 2 * logits.data.length }, (_, place) => {
    const [row, rest] = [Math.floor(place / classes), place % classes];
    return row % 2 === 0 ? 9 - rest : logits.data[Math.floor(row / 2) * classes + rest];
  });
  const odd = tensor(
    Array.from({ length: batch }, () => Array.from({ length: 2 * steps }, (_, s) => s % 2)),
  );
  const x = tensor(wide, { shape: [batch, 2 * steps, classes] });
  assertClose(await ctc().apply(goldenLeaf(labels), x, odd.greater(0)).data(), plain, 1e-6);
});

await testOnDevices(
  "ctc: too few steps are infinite, or 0 with zeroInfinity, without a gradient",
  async (device) => {
    const x = tensor(Float32Array.from({ length: 18 }, (_, i) => Math.sin(i)), {
      shape: [2, 3, 3],
    });
    // Two equal labels need a blank between them: four steps.
    const labels = tensor([[1, 2, 2], [1, 2, 0]]);
    const strict = ctc().apply(labels, x);
    const lenient = ctc({ zeroInfinity: true }).apply(labels, x);
    const [slope] = gradients(lenient.sum(), [x]);
    const [first, second, slopes] = await evaluateOn(device, [strict, lenient, slope]);
    assert.equal(first[0], Infinity);
    assert.equal(second[0], 0);
    assert.equal(second[1], first[1]);
    assert(slopes.subarray(0, 9).every((value) => value === 0), `${slopes}`);
    assert(slopes.subarray(9).some((value) => value !== 0));
  },
);

Deno.test("ctc: a label that is no class is not finite, and touches no other sample", async () => {
  const x = tensor(Float32Array.from({ length: 24 }, (_, i) => Math.cos(i)), { shape: [2, 4, 3] });
  for (const label of [3, -1]) {
    for (const device of ["reference", "cpu"] as const) {
      const losses = ctc({ zeroInfinity: true }).apply(tensor([[label, 0], [1, 0]]), x);
      const right = ctc().apply(tensor([[1, 0], [1, 0]]), x);
      const [found, expected] = await evaluateOn({ device, threads: 1 }, [losses, right]);
      assert(Number.isNaN(found[0]), `${label} on ${device}: ${found[0]}`);
      assert.equal(found[1], expected[1]);
    }
  }
});

Deno.test("ctc refuses what does not fit", () => {
  assert.throws(() => ctc({ maskIndex: -1 }), /the maskIndex of ctc/);
  assert.throws(
    () => ctc().apply(tensor([1, 2]), tensor([[[1, 2]]])),
    /targets must be \[batch, labels\].*received \[2\] and \[1, 1, 2\]/,
  );
  assert.throws(
    () => ctcDecode({ data: [1, 2], shape: [1, 2] }),
    /must be \[samples, steps, classes\]/,
  );
  assert.throws(
    () => ctcDecode({ data: [1, 2], shape: [1, 1, 2] }, { lengths: [1, 1] }),
    /a length for each of 1 samples: received 2/,
  );
});

Deno.test("ctcDecode: lengths, blanks elsewhere, repetitions kept", () => {
  const best = [[1, 1, 0, 1, 2, 2], [0, 0, 2, 2, 0, 1]];
  const data = best.flat().flatMap((label) => [0, 1, 2].map((index) => index === label ? 3 : -1));
  const outputs = { data, shape: [2, 6, 3] };
  assert.deepEqual(ctcDecode(outputs), [[1, 1, 2], [2, 1]]);
  assert.deepEqual(ctcDecode(outputs, { lengths: [2, 0] }), [[1], []]);
  assert.deepEqual(ctcDecode(outputs, { maskIndex: 2 }), [[1, 0, 1], [0, 0, 1]]);
  assert.deepEqual(ctcDecode(outputs, { mergeRepeated: false }), [[1, 1, 1, 2, 2], [2, 2, 1]]);
});

Deno.test("editDistance is a distance, and that of the definition", () => {
  const random = mulberry32(3);
  const words = Array.from(
    { length: 12 },
    () => Array.from({ length: Math.floor(random() * 6) }, () => Math.floor(random() * 3)),
  );
  const byDefinition = (a: number[], b: number[]): number =>
    a.length === 0 || b.length === 0 ? a.length + b.length : Math.min(
      byDefinition(a.slice(1), b) + 1,
      byDefinition(a, b.slice(1)) + 1,
      byDefinition(a.slice(1), b.slice(1)) + Number(a[0] !== b[0]),
    );
  for (const a of words) {
    for (const b of words) {
      assert.equal(editDistance(a, b), byDefinition(a, b));
      assert.equal(editDistance(a, b), editDistance(b, a));
    }
  }
});

Deno.test("a network learns where labels stand that were given in order only", async () => {
  const random = mulberry32(9);
  const [samples, steps, classes] = [64, 12, 4];
  const noise = () => random() * 0.2 - 0.1;
  const x: number[][][] = [];
  const labels: number[][] = [];
  for (let row = 0; row < samples; row++) {
    const count = 1 + Math.floor(random() * 3);
    const own = Array.from({ length: count }, () => 1 + Math.floor(random() * (classes - 1)));
    labels.push([...own, 0, 0, 0].slice(0, 3));
    // Each label for one to two steps, then a pause; what is left is padding.
    const shown = own.flatMap((label) => [...Array(1 + Math.floor(random() * 2)).fill(label), 0]);
    x.push(
      Array.from(
        { length: steps },
        (_, step) =>
          step >= shown.length
            ? [-1, -1, -1, -1]
            : [0, 1, 2, 3].map((index) => Number(index === shown[step]) + noise()),
      ),
    );
  }
  const model = sequential([
    input([steps, classes]),
    masking({ maskValue: -1 }),
    gru(16, { returnSequences: true }),
    dense(classes),
  ], { seed: 1 });
  const data = arrays(x, labels);
  const options = { device: "cpu", threads: 1 } as const;
  const { logs } = await lastValueFrom(fit(model, data, {
    loss: ctc(),
    optimizer: adam({ learningRate: 0.02 }),
    batchSize: 16,
    epochs: 40,
    seed: 1,
    ...options,
  }));
  assert(logs.loss < 0.2, `${logs.loss}`);
  const lengths = x.map((row) => row.findIndex((step) => step[0] === -1)).map((n) =>
    n < 0 ? steps : n
  );
  const found = ctcDecode(await predict(model, data.x, options), { lengths });
  const wrong = found.reduce(
    (sum, row, place) => sum + editDistance(row, labels[place].filter((label) => label > 0)),
    0,
  );
  assert(wrong <= 3, `${wrong} changes`);
});
