/** Layers that disturb what flows through them: statistics, keys, and nothing in inference. */
import assert from "node:assert/strict";
import * as nn from "../../../core/nn/mod.ts";
import { evaluateReference } from "../../../core/cpu/reference.ts";
import { gradients, tensor } from "../../../core/ops/mod.ts";
import { evaluateOn, testOnDevices } from "../../devices.ts";
import { assertClose } from "./close.ts";
import { TestContext, valuesOf } from "./context.ts";

const size = 20_000;
const ones = tensor(new Array(size).fill(1), { shape: [4, size / 4] });
const odd = tensor(
  Array.from({ length: 3 * 16 * 40 }, (_, index) => 1 + index % 7),
  { shape: [3, 4, 4, 40] },
);

/** Outputs in training at a step. */
function outputs(layer: nn.Layer, x = ones, { seed = 42, step = 0 } = {}): number[] {
  const context = new TestContext(true, seed);
  return valuesOf(layer.apply({}, x, context), context.bindings(step));
}

function moments(values: readonly number[]): { mean: number; variance: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, variance: squares / values.length };
}

/** Five standard deviations of a mean, and (for a normal one) of a variance. */
function assertMoments(values: readonly number[], mean: number, variance: number): void {
  const found = moments(values);
  assert(Math.abs(found.mean - mean) < 5 * Math.sqrt(variance / values.length), `${found.mean}`);
  const allowed = 5 * variance * Math.sqrt(2 / values.length);
  assert(Math.abs(found.variance - variance) < allowed, `${found.variance}`);
}

for (const width of [0.1, 2]) {
  Deno.test(`gaussianNoise of ${width} has mean 0 and that standard deviation`, () => {
    assertMoments(outputs(nn.gaussianNoise(width)).map((y) => y - 1), 0, width ** 2);
  });
}

for (const rate of [0.1, 0.5, 0.8]) {
  Deno.test(`gaussianDropout of ${rate} has mean 1 and the variance of dropout`, () => {
    assertMoments(outputs(nn.gaussianDropout(rate)), 1, rate / (1 - rate));
  });

  Deno.test(`alphaDropout of ${rate} keeps mean 0 and variance 1, and drops that share`, () => {
    const random = Array.from({ length: size }, (_, index) => {
      // Quantiles of the normal distribution, in a mixed order, by sums of twelve uniform numbers.
      let total = -6;
      for (let part = 0; part < 12; part++) total += ((index * 12 + part) * 0.6180339887498949) % 1;
      return total;
    });
    const { mean, variance } = moments(random);
    const x = tensor(random.map((value) => (value - mean) / Math.sqrt(variance)), {
      shape: [4, size / 4],
    });
    const values = outputs(nn.alphaDropout(rate), x);
    assertMoments(values, 0, 1);
    const lowest = Math.min(...values);
    const a = ((1 - rate) * (1 + rate * 1.7580993408473766 ** 2)) ** -0.5;
    const expected = -1.7580993408473766 * a + 1.7580993408473766 * a * rate;
    const dropped = values.filter((value) => Math.abs(value - expected) < 1e-6).length / size;
    assert(Math.abs(dropped - rate) < 5 * Math.sqrt(rate * (1 - rate) / size), `${dropped}`);
    assert(lowest <= expected + 1e-6);
  });
}

Deno.test("spatial dropout keeps or drops whole channels of a sample", () => {
  const rate = 0.4;
  const layers: [nn.Layer, number[]][] = [
    [nn.spatialDropout1d(rate), [30, 5, 100]],
    [nn.spatialDropout2d(rate), [30, 2, 3, 100]],
    [nn.spatialDropout3d(rate), [30, 2, 2, 1, 100]],
  ];
  for (const [layer, shape] of layers) {
    const places = shape.slice(1, -1).reduce((a, b) => a * b);
    const x = tensor(new Array(3000 * places).fill(3), { shape });
    const values = outputs(layer, x);
    let kept = 0;
    for (let sample = 0; sample < 30; sample++) {
      for (let channel = 0; channel < 100; channel++) {
        const found = Array.from(
          { length: places },
          (_, place) => values[(sample * places + place) * 100 + channel],
        );
        assert.equal(new Set(found).size, 1, "one fate for all places");
        if (found[0] === 0) continue;
        kept++;
        assert(Math.abs(found[0] - 3 / (1 - rate)) < 1e-6);
      }
    }
    const share = kept / 3000;
    assert(Math.abs(share - (1 - rate)) < 5 * Math.sqrt(rate * (1 - rate) / 3000), `${share}`);
  }
  assert.throws(
    () => nn.spatialDropout2d(0.1).init([4, 3], nn.namedKey(1, "x")),
    /expected input of height, width and channels/,
  );
});

Deno.test("a noise shape gives elements along an axis one fate", () => {
  const [samples, steps, features] = [20, 6, 150];
  const x = tensor(new Array(samples * steps * features).fill(3), {
    shape: [samples, steps, features],
  });
  const makers = { dropout: nn.dropout, alphaDropout: nn.alphaDropout };
  for (const [name, make] of Object.entries(makers)) {
    const found = outputs(make(0.4, { noiseShape: [null, 1, null] }), x);
    const lowest = Math.min(...found);
    let kept = 0;
    for (let sample = 0; sample < samples; sample++) {
      for (let feature = 0; feature < features; feature++) {
        const fates = Array.from(
          { length: steps },
          (_, step) => found[(sample * steps + step) * features + feature],
        );
        assert.equal(new Set(fates).size, 1, name);
        if (fates[0] !== lowest) kept++;
      }
    }
    const count = samples * features;
    assert(Math.abs(kept / count - 0.6) < 5 * Math.sqrt(0.24 / count), `${name}: ${kept / count}`);
    // One mask for all samples and places of the batch.
    assert.equal(new Set(outputs(make(0.4, { noiseShape: [1, 1, 1] }), x)).size, 1);
    const bad: (number | null)[][] = [[null, 1], [null, 2, null], [1, 1, 1, 1]];
    for (const noiseShape of bad) {
      assert.throws(
        () => make(0.4, { noiseShape }).init([steps, features], nn.namedKey(1, "x")),
        (error: Error) =>
          error.name === "ShapeError" && error.message.includes(JSON.stringify(noiseShape)),
      );
    }
    const fixed = make(0.4, { noiseShape: [samples + 1, 1, null] });
    fixed.init([steps, features], nn.namedKey(1, "x")); // the size of the batch is not known yet
    assert.throws(() => outputs(fixed, x), /noiseShape must have an entry for each axis/);
  }
});

const makers: Record<string, (level: nn.ScalarSource, options?: nn.NoiseOptions) => nn.Layer> = {
  alphaDropout: nn.alphaDropout,
  gaussianDropout: nn.gaussianDropout,
  gaussianNoise: nn.gaussianNoise,
  spatialDropout2d: nn.spatialDropout2d,
};
for (const [name, make] of Object.entries(makers)) {
  Deno.test(`${name} follows from seed and step, changes its level by stream, and rests in inference`, () => {
    assert.deepEqual(outputs(make(0.5), odd), outputs(make(0.5), odd));
    assert.notDeepEqual(outputs(make(0.5), odd, { seed: 43 }), outputs(make(0.5), odd));
    assert.notDeepEqual(outputs(make(0.5), odd, { step: 1 }), outputs(make(0.5), odd));
    const own = make(0.5, { seed: 7 });
    assert.deepEqual(outputs(own, odd, { seed: 43 }), outputs(own, odd));
    assert.equal(make(0.5).apply({}, odd, new TestContext(false)), odd);
    assert.equal(make(0).apply({}, odd, new TestContext()), odd);
    const level = nn.hyperparameter(0);
    const context = new TestContext();
    const layer = make(level);
    const y = layer.apply({}, odd, context);
    assertClose(valuesOf(y, context.bindings()), valuesOf(odd), 1e-6);
    level.next(0.5);
    assert.equal(layer.apply({}, odd, context), y);
    assert.notDeepEqual(valuesOf(y, context.bindings()), valuesOf(odd));
    assert.throws(() => make(-0.5), /received -0.5/);
    assert.throws(() => make(NaN), /received NaN/);
    level.next(-1);
    assert.throws(() => context.bindings(), /received -1/);
  });
}

await testOnDevices("noise and its gradients agree with the float64 reference", async (device) => {
  const layers = [
    ...Object.values(makers).map((make) => make(0.3, { seed: 5 })),
    nn.dropout(0.3, { seed: 6, noiseShape: [null, 1, 4, null] }),
  ];
  const context = new TestContext();
  const tensors = layers.flatMap((layer) => {
    // Keys and levels as constants, so that any device evaluates them.
    const constants = Object.assign(Object.create(context), {
      training: true,
      counter: tensor(3, { dtype: "u32" }),
      scalar: (source: number) => tensor(source),
    });
    const y = layer.apply({}, odd, constants);
    return [y, ...gradients(y, [odd])];
  });
  const expected = evaluateReference(tensors);
  const found = await evaluateOn(device, tensors);
  tensors.forEach((_, place) => assertClose(found[place], expected[place].data, 2e-5, `${place}`));
});
