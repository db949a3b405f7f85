/** What each query has looked at, and rotary positions within heads, on every device. */
import assert from "node:assert/strict";
import { greater, tensor } from "../../../core/ops/mod.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import * as nn from "../../../core/nn/mod.ts";
import { evaluateOn, testOnDevices } from "../../devices.ts";
import { assertClose } from "./close.ts";
import { TestContext, valuesOf } from "./context.ts";

const key = nn.namedKey(1, "layer");

await testOnDevices("attention scores say what the outputs are made of", async (device) => {
  const numbers = (shape: number[], seed: number) =>
    tensor(
      Float32Array.from(
        { length: shape.reduce((a, b) => a * b) },
        (_, i) => Math.sin(i * i + seed),
      ),
      { shape },
    );
  const inputs = [numbers([3, 3, 4], 1), numbers([3, 5, 6], 2), numbers([3, 5, 4], 3)];
  // Queries of the last sample see nothing, and take nothing.
  const seen = [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [0, 0, 0, 0, 0]];
  const made = [
    (given: nn.UnprojectedAttentionOptions) => nn.attention(given),
    (given: nn.UnprojectedAttentionOptions) => nn.attention({ ...given, scoreMode: "concat" }),
    (given: nn.UnprojectedAttentionOptions) => nn.additiveAttention(given),
  ].map((make) => {
    const [plain, telling] = [make({}) as nn.MergeLayer, make({ returnAttentionScores: true })];
    const { parameters, outputShape } = telling.init([[3, 4], [5, 6], [5, 4]], key);
    assert.deepEqual(outputShape, { outputs: [3, 6], attentionScores: [3, 5] });
    const weights = Object.fromEntries(
      parameters.map(({ name, shape }, at) => [name, numbers([...shape], at)]),
    );
    const context = new TestContext(true);
    context.masks = [undefined, greater(tensor(seen), 0), undefined];
    const told = telling.apply(weights, inputs, context) as unknown as nn.AttentionOutputs;
    return [plain.apply(weights, inputs, context), told.outputs, told.attentionScores];
  });
  const found = await evaluateOn(device, made.flat());
  while (found.length > 0) {
    const [plain, outputs, scores] = found.splice(0, 3);
    assertClose(outputs, [...plain], 1e-5);
    const values = valuesOf(inputs[1]);
    const mixed = Array.from(outputs, (_, place) => {
      const [row, column] = [Math.floor(place / 6), place % 6];
      const first = Math.floor(row / 3) * 30 + column;
      return Array.from({ length: 5 }, (_, k) => scores[row * 5 + k] * values[first + 6 * k])
        .reduce((sum, part) => sum + part);
    });
    assertClose(outputs, mixed, 1e-5);
    scores.forEach((share, place) =>
      assert.equal(share > 0, seen[Math.floor(place / 15)][place % 5] === 1)
    );
  }
});

/** Shares and outputs of attention in heads by the formula, row by row, in float64. */
function formula(
  weights: Record<string, Tensor>,
  [query, value, keys]: Tensor[],
  { seen, causal, wave, factor }: {
    seen: number[][];
    causal: boolean;
    wave?: number;
    factor: number;
  },
) {
  const [rows, steps] = [query.shape[1], keys.shape[1]];
  const [, heads, size] = weights.query_kernel.shape;
  const keyHeads = weights.key_kernel.shape[1];
  const projected = (role: string, x: Tensor, head: number, sample: number, step: number) => {
    const [features, own, numbers] = weights[`${role}_kernel`].shape;
    const [kernel, bias, data] = [weights[`${role}_kernel`], weights[`${role}_bias`], x]
      .map((one) => valuesOf(one));
    return Array.from({ length: numbers }, (_, n) => {
      let sum = bias[head * numbers + n];
      for (let f = 0; f < features; f++) {
        sum += data[(sample * x.shape[1] + step) * features + f] *
          kernel[(f * own + head) * numbers + n];
      }
      return sum;
    });
  };
  const turned = (numbers: number[], step: number) => {
    if (wave === undefined) return numbers;
    const half = numbers.length / 2;
    return numbers.map((own, n) => {
      const angle = step / factor / wave ** ((n % half) / half);
      const other = numbers[(n + half) % numbers.length];
      return own * Math.cos(angle) + (n < half ? -other : other) * Math.sin(angle);
    });
  };
  const [shares, outputs]: number[][] = [[], []];
  const [kernel, bias] = [weights.attention_output_kernel, weights.attention_output_bias]
    .map((one) => valuesOf(one));
  const given: number[][][] = [];
  for (let sample = 0; sample < 2; sample++) {
    for (let head = 0; head < heads; head++) {
      const shared = Math.floor(head / (heads / keyHeads));
      for (let row = 0; row < rows; row++) {
        const q = turned(projected("query", query, head, sample, row), row);
        const powers = Array.from({ length: steps }, (_, step) => {
          if (!seen[sample][step] || (causal && step > row)) return 0;
          const k = turned(projected("key", keys, shared, sample, step), step);
          return Math.exp(q.reduce((sum, one, n) => sum + one * k[n], 0) / Math.sqrt(size));
        });
        const total = powers.reduce((sum, one) => sum + one);
        const own = powers.map((power) => total === 0 ? 0 : power / total);
        shares.push(...own);
        const values = own.map((share, step) =>
          projected("value", value, shared, sample, step).map((one) => share * one)
        );
        (given[sample * rows + row] ??= [])[head] = values[0].map((_, n) =>
          values.reduce((sum, one) => sum + one[n], 0)
        );
      }
    }
  }
  const width = bias.length;
  for (const row of given) {
    const line = row.flat();
    outputs.push(
      ...Array.from(
        bias,
        (start, o) => line.reduce((sum, one, n) => sum + one * kernel[n * width + o], start),
      ),
    );
  }
  return { shares, outputs };
}

await testOnDevices(
  "heads' scores and rotary positions are those of the formula",
  async (device) => {
    const numbers = (shape: readonly number[], seed: number) => {
      const length = shape.reduce((a, b) => a * b);
      const data = Float32Array.from({ length }, (_, i) => Math.sin(i * i + seed));
      return tensor(data, { shape: [...shape] });
    };
    const cross = [numbers([2, 3, 4], 1), numbers([2, 5, 6], 2), numbers([2, 5, 4], 3)];
    const self = numbers([2, 5, 4], 4);
    // The first query of the second sample sees nothing behind a causal mask.
    const seen = [[1, 1, 1, 0, 0], [0, 1, 1, 0, 1]];
    const heads = (given: nn.MultiHeadAttentionOptions) =>
      nn.multiHeadAttention(2, 4, { valueDim: 3, ...given });
    const grouped = (given: nn.ProjectedAttentionOptions) =>
      nn.groupedQueryAttention(4, 4, 2, given);
    const cases: [typeof grouped, Tensor[], nn.ProjectedAttentionOptions][] = [
      [heads, cross, {}],
      [heads, [self], { useCausalMask: true, dropout: 0.5 }],
      [heads, [self], { useCausalMask: true, ropeMaxWavelength: 10 }],
      [grouped, [self], { ropeMaxWavelength: 30, ropeScalingFactor: 2 }],
      [grouped, cross, {}],
    ];
    const made = cases.map(([make, inputs, options], number) => {
      const plain = make(options) as nn.MergeLayer;
      const telling = make({ ...options, returnAttentionScores: true });
      const shapes = inputs.map(({ shape }) => shape.slice(1));
      const { parameters, outputShape } = telling.init(shapes, key);
      const count = make === heads ? 2 : 4;
      assert.deepEqual(outputShape, {
        outputs: [shapes[0][0], 4],
        attentionScores: [count, shapes[0][0], 5],
      });
      const weights = Object.fromEntries(
        parameters.map(({ name, shape }, at) => [name, numbers(shape, at)]),
      );
      // Scores are those before dropout: it acts in training alone.
      const context = new TestContext(false);
      context.masks = inputs.length > 1
        ? [undefined, greater(tensor(seen), 0), undefined]
        : [greater(tensor(seen), 0)];
      const told = telling.apply(weights, inputs, context) as unknown as nn.AttentionOutputs;
      const [query, value = query, keys = value] = inputs;
      const { ropeMaxWavelength: wave, ropeScalingFactor: factor = 1 } = options;
      const expected = formula(weights, [query, value, keys], {
        seen,
        causal: options.useCausalMask ?? false,
        wave,
        factor,
      });
      return { number, expected, tensors: [plain.apply(weights, inputs, context), told] };
    });
    const tensors = made.flatMap(({ tensors: [plain, told] }) => {
      const { outputs, attentionScores } = told as unknown as nn.AttentionOutputs;
      return [plain as Tensor, outputs, attentionScores];
    });
    const found = await evaluateOn(device, tensors);
    for (const { number, expected } of made) {
      const [plain, outputs, scores] = found.splice(0, 3);
      assert.deepEqual(outputs, plain, "telling changes nothing");
      assertClose(scores, expected.shares, 2e-5, `scores ${number}`);
      assertClose(outputs, expected.outputs, 2e-5, `outputs ${number}`);
    }
  },
);

Deno.test("rotary positions in heads are refused where they cannot be", () => {
  assert.throws(
    () => nn.multiHeadAttention(2, 3, { ropeMaxWavelength: 10_000 }),
    /multiHeadAttention with ropeMaxWavelength .* in pairs: received 3/,
  );
  assert.throws(
    () => nn.groupedQueryAttention(4, 4, 2, { ropeScalingFactor: 2 }),
    /received 2 without ropeMaxWavelength/,
  );
  assert.throws(() => nn.multiHeadAttention(2, 4, { ropeMaxWavelength: 0 }), /ropeMaxWavelength/);
});

Deno.test("attention refuses a scoreMode that is none", () => {
  assert.throws(
    () => nn.attention({ scoreMode: "sum" as "dot" }),
    /scoreMode must be dot or concat: received "sum"/,
  );
});
