import assert from "node:assert/strict";
import {
  constant,
  dense,
  type DenseOptions,
  heNormal,
  identityInitializer,
  type Initializer,
  initializerOf,
  maxNorm,
  namedKey,
  onesInitializer,
  orthogonal,
  randomNormal,
  randomUniform,
  truncatedNormal,
  varianceScaling,
  zerosInitializer,
} from "../../../core/nn/mod.ts";
import { tensor } from "../../../core/ops/mod.ts";
import { TestContext } from "./context.ts";

const shape = [300, 200];
const [inputs, outputs] = shape;

function statistics(initializer: Initializer) {
  const values = initializer.values(shape, namedKey(1, initializer.name));
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return {
    mean,
    deviation: Math.sqrt(variance),
    largest: values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0),
  };
}

const mean2 = (inputs + outputs) / 2;
/** Of a normal cut at ±2: what is left of the standard deviation. */
const left = 0.87962566103423978;
// Expected standard deviation, and the bound that values come close to but do not pass.
const expected: [initializer: Initializer, deviation: number, bound: number][] = [
  [randomUniform(), 0.1 / Math.sqrt(12), 0.05],
  [randomNormal(), 0.05, Infinity],
  [truncatedNormal(), 0.05 * left, 0.1],
  [initializerOf("glorotUniform"), Math.sqrt(1 / mean2), Math.sqrt(3 / mean2)],
  [initializerOf("glorotNormal"), Math.sqrt(1 / mean2), 2 / left * Math.sqrt(1 / mean2)],
  [initializerOf("heUniform"), Math.sqrt(2 / inputs), Math.sqrt(6 / inputs)],
  [initializerOf("heNormal"), Math.sqrt(2 / inputs), 2 / left * Math.sqrt(2 / inputs)],
  [initializerOf("lecunUniform"), Math.sqrt(1 / inputs), Math.sqrt(3 / inputs)],
  [initializerOf("lecunNormal"), Math.sqrt(1 / inputs), 2 / left * Math.sqrt(1 / inputs)],
  [
    varianceScaling({ scale: 3, mode: "fanOut", distribution: "untruncatedNormal" }),
    Math.sqrt(3 / outputs),
    Infinity,
  ],
];

for (const [initializer, deviation, bound] of expected) {
  Deno.test(`${initializer.name} has mean 0, deviation ${deviation.toFixed(4)} and its bound`, () => {
    const found = statistics(initializer);
    // 60,000 numbers: five standard errors of mean and deviation.
    assert(Math.abs(found.mean) < 5 * deviation / Math.sqrt(60_000), `mean ${found.mean}`);
    assert(Math.abs(found.deviation / deviation - 1) < 0.015, `deviation ${found.deviation}`);
    if (bound === Infinity) return;
    assert(found.largest <= Math.fround(bound) && found.largest > 0.98 * bound, `${found.largest}`);
  });
}

/** What each has given for one key since it was written: a seed means the same in every version. */
const seeded: [initializer: Initializer, values: number[]][] = [
  [randomUniform(), [0.0164543, 0.0295011, 0.0457553, 0.0103869, 0.00544212, -0.0224166]],
  [randomNormal({ mean: 1 }), [1.01261, 0.9883, 0.991224, 1.04403, 0.914032, 1.02197]],
  [truncatedNormal({ mean: 1 }), [1.01261, 0.9883, 0.991224, 1.04403, 0.914032, 1.02197]],
  [initializerOf("glorotUniform"), [0.360496, 0.646337, 1.00245, 0.227566, 0.119231, -0.491122]],
  [initializerOf("heNormal"), [0.234177, -0.217208, -0.162931, 0.817315, -1.59597, 0.407827]],
  [orthogonal(2), [1.30621, -0.0649023, -1.21156, -1.24379, -0.908809, 1.56486]],
];

for (const [initializer, values] of seeded) {
  Deno.test(`${initializer.name} gives the same numbers for a key`, () => {
    const found = initializer.values([3, 2], namedKey(7, "kernel"));
    assert.deepEqual(Array.from(found, (value) => Number(value.toPrecision(6))), values);
  });
}

Deno.test("windows count into the inputs and outputs of a kernel of more axes", () => {
  const uniform = varianceScaling({ distribution: "uniform" });
  const values = uniform.values([3, 3, 8, 500], namedKey(1, "convolution"));
  const largest = Math.max(...values);
  const bound = Math.sqrt(3 / 72);
  assert(largest <= Math.fround(bound) && largest > 0.99 * bound);
});

Deno.test("zerosInitializer and onesInitializer fill with theirs", () => {
  assert.deepEqual([...zerosInitializer().values([2, 1], namedKey(0, "b"))], [0, 0]);
  assert.deepEqual([...onesInitializer().values([2, 1], namedKey(0, "b"))], [1, 1]);
});

Deno.test("constant fills with its number", () => {
  assert.deepEqual([...constant(2.5).values([2], namedKey(0, "b"))], [2.5, 2.5]);
});

Deno.test("orthogonal gives vectors at right angles, of length gain", () => {
  for (const shape of [[40, 30], [30, 40], [64, 64], [3, 3, 2, 8], [2, 20]]) {
    const columns = shape[shape.length - 1];
    const rows = shape.slice(0, -1).reduce((all, size) => all * size);
    const values = orthogonal(3).values(shape, namedKey(5, "kernel"));
    const count = Math.min(rows, columns);
    const at = (vector: number, place: number) =>
      rows < columns ? values[vector * columns + place] : values[place * columns + vector];
    for (let a = 0; a < count; a++) {
      for (let b = 0; b <= a; b++) {
        let product = 0;
        for (let k = 0; k < Math.max(rows, columns); k++) product += at(a, k) * at(b, k);
        assert(Math.abs(product - (a === b ? 9 : 0)) < 1e-5, `${shape}: ${a}, ${b}: ${product}`);
      }
    }
  }
});

Deno.test("orthogonal is spread evenly over directions", () => {
  // The first element of 4,000 matrices of size 3: mean 0 and variance 1/3, signs included.
  const first = Array.from(
    { length: 4000 },
    (_, at) => orthogonal().values([3, 3], namedKey(at, "kernel"))[0],
  );
  const mean = first.reduce((sum, value) => sum + value) / first.length;
  const variance = first.reduce((sum, value) => sum + value ** 2, 0) / first.length;
  assert(Math.abs(mean) < 5 * Math.sqrt(1 / 3 / 4000), `mean ${mean}`);
  assert(Math.abs(variance - 1 / 3) < 0.03, `variance ${variance}`);
});

const refused: [name: string, make: () => unknown, message: RegExp][] = [
  ["NaN", () => constant(NaN), /value of constant .*finite number: received NaN/],
  ["bounds that cross", () => randomUniform({ minimum: 1, maximum: 0 }), /maximum .*at least 1/],
  [
    "a negative deviation",
    () => randomNormal({ standardDeviation: -1 }),
    /at least 0: received -1/,
  ],
  ["a gain of NaN", () => identityInitializer(NaN), /gain of identity.*received NaN/],
  ["an infinite gain", () => orthogonal(Infinity), /gain of orthogonal .*received Infinity/],
  ["scale 0", () => varianceScaling({ scale: 0 }), /scale .*received 0/],
  [
    "an unknown mode",
    () => varianceScaling({ mode: "fan_in" as "fanIn" }),
    /mode must be one of fanIn, fanOut, fanAvg: received fan_in/,
  ],
  ["an unknown name", () => initializerOf("xavier" as "zeros"), /one of zeros, ones.*"xavier"/],
];

for (const [name, make, message] of refused) {
  Deno.test(`initializers refuse ${name}`, () => {
    assert.throws(
      make,
      (error: Error) => error instanceof RangeError && message.test(error.message),
    );
  });
}

const strange: [name: string, options: object, message: RegExp][] = [
  ["an initializer", { kernelInitializer: heNormal }, /such as "heNormal", .*function heNormal/],
  ["an initializer", { biasInitializer: { value: 1 } }, /such as constant\(0.1\): .* an object$/],
  ["a regularizer", { kernelRegularizer: "l2" }, /regularizer of the kernel .* l2\(\): .*"l2"$/],
  ["a constraint", { biasConstraint: maxNorm }, /constraint of the bias .*function maxNorm/],
];

for (const [name, options, message] of strange) {
  Deno.test(`a layer refuses what is not ${name}: ${Object.keys(options)}`, () => {
    assert.throws(
      () => dense(3, options as DenseOptions),
      (error: Error) => error instanceof TypeError && message.test(error.message),
    );
  });
}

Deno.test("a layer refuses what penalizes no outputs", () => {
  const layer = dense(3, { activityRegularizer: "l1" as never, useBias: false });
  assert.throws(
    () => layer.apply({ kernel: tensor([[1, 2, 3]]) }, tensor([[4]]), new TestContext()),
    /activityRegularizer must be one, such as l2.*"l1"$/,
  );
});
