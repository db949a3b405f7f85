import assert from "node:assert/strict";
import { evaluateReference } from "../../core/cpu/reference.ts";
import { inputLeaf, stateLeaf } from "../../core/graph/leaf.ts";
import { planProgram } from "../../core/graph/plan.ts";
import { type Assignment, createProgram } from "../../core/graph/program.ts";
import type { Tensor } from "../../core/graph/tensor.ts";
import {
  cholesky,
  cos,
  gather,
  gradients,
  sampleImage,
  scaledDotProductAttention,
  segmentMax,
  segmentSum,
  sin,
  solve,
  sparseSoftmaxCrossEntropy,
} from "../../core/ops/mod.ts";
import { arenaMemory, halfMemory } from "../../gpu/call.ts";
import { compilePlan } from "../../gpu/compile.ts";
import { defaultTuning, type Tuning } from "../../gpu/tuning.ts";
import { mulberry32, type OpCase, opCases } from "../core/ops/cases.ts";
import { floats } from "../core/ops/generator.ts";
import { differsOnHardware, evaluate, gpuTest, hardware, value } from "./harness.ts";

const compile = (outputs: Tensor[], assignments: Assignment[] = [], tuning: Partial<Tuning> = {}) =>
  compilePlan(planProgram(createProgram(outputs, assignments)), 0, {
    ...defaultTuning,
    half: true,
    ...tuning,
  });

/** Elements of the buffers that are halves. */
const halves = ({ buffers }: ReturnType<typeof compile>) =>
  buffers.filter(({ half }) => half).map(({ elements }) => elements).sort((a, b) => a - b);

Deno.test("activations and their gradients are halves, gradients of weights and losses are not", () => {
  const [batch, sizes] = [64, [784, 51, 37, 10]];
  const images = inputLeaf("images", [1000, 784], "u8");
  const order = inputLeaf("order", [batch], "u32");
  const weights = sizes.slice(1).map((units, layer) =>
    stateLeaf(`w${layer}`, [sizes[layer], units])
  );
  const biases = sizes.slice(1).map((units, layer) => stateLeaf(`b${layer}`, [units]));
  const x = gather(images, order, { dtype: "f32", scale: 1 / 255 });
  const logits = weights.reduce(
    (y, w, layer) => (layer > 0 ? y.relu() : y).matmul(w).add(biases[layer]),
    x,
  );
  const loss = sparseSoftmaxCrossEntropy(logits, inputLeaf("labels", [batch], "u32")).mean();
  const states = [...weights, ...biases];
  // The norm of all gradients is needed before the first update: they have to be stored.
  const found = gradients(loss, states);
  const norm = found.reduce((sum, each) => sum.add(each.square().sum()), loss.mul(0)).sqrt();
  const assignments = found.map((each, place) => ({
    state: states[place],
    value: states[place].sub(each.div(norm)),
  }));
  const made = compile([loss], assignments, { rowWork: 0 });
  const stored = halves(made);
  assert.ok(stored.length >= 4, `${stored}`);
  assert.ok(
    stored.every((size) => [51, 37, 10].some((units) => size === batch * units)),
    `${stored}`,
  );
  assert.equal(made.arenas.size, 2);
});

Deno.test("what is folded over segments is no half, or maxima would not be found again", () => {
  const x = inputLeaf("x", [40, 24], "f32").matmul(stateLeaf("w", [24, 17]));
  const ids = inputLeaf("ids", [40], "u32");
  for (const fold of [segmentSum, segmentMax]) {
    const y = fold(x, ids, 13).matmul(stateLeaf("v", [17, 3])).square().sum();
    const stored = halves(compile([y], [], { rowWork: 0 }));
    assert.ok(stored.includes(40 * 17) && !stored.includes(13 * 17), `${stored}`);
  }
});

Deno.test("the places that pictures are sampled at are no halves, and what they follow from", () => {
  const images = inputLeaf("x", [6, 5 * 7], "f32").matmul(stateLeaf("w", [35, 35]));
  // Angles that a product gives, as of a spatial transformer.
  const angle = inputLeaf("a", [6, 3], "f32").matmul(stateLeaf("v", [3, 1])).reshape([6, 1, 1]);
  const places = inputLeaf("places", [6, 5, 11], "f32");
  const y = sampleImage(
    images.reshape([6, 5, 7, 1]),
    places.mul(cos(angle)),
    places.mul(sin(angle)).add(1),
  );
  const made = compile([y.reshape([6, 55]).matmul(stateLeaf("u", [55, 2])).square().sum()], [], {
    rowWork: 0,
  });
  const stored = halves(made);
  assert.ok(stored.includes(6 * 35), `the pictures may be: ${stored}`);
  assert.ok(!stored.includes(6), `the angles: ${stored}`);
  // The samples may be halves too, which have as many elements as rows and columns.
  assert.equal(made.buffers.filter(({ elements, half }) => elements === 330 && half).length, 1);
});

Deno.test("matrices that are solved for are no halves, nor what is found", () => {
  const made = inputLeaf("x", [6, 8], "f32").matmul(stateLeaf("w", [8, 25])).reshape([6, 5, 5]);
  const right = inputLeaf("y", [6, 8], "f32").matmul(stateLeaf("v", [8, 10])).reshape([6, 5, 2]);
  for (const found of [solve(made, right), cholesky(made)]) {
    const flat = found.reshape([6, found.size / 6]);
    const y = flat.matmul(stateLeaf("u", [flat.shape[1], 3])).matmul(stateLeaf("t", [3, 2]));
    const stored = halves(compile([y.square().sum()], [], { rowWork: 0 }));
    assert.ok(stored.includes(6 * 3), `others may be: ${stored}`);
    // What is taken of the solutions has as many numbers as what they are solutions for.
    const taken = stored.filter((size) => size === 60).length;
    assert.ok(!stored.includes(150) && !stored.includes(90) && taken < 2, `${stored}`);
  }
});

/** A network whose activations take far more than its weights: loss, and its training. */
function deepNetwork() {
  let y: Tensor = inputLeaf("x", [256, 128], "f32");
  const weights = Array.from({ length: 12 }, (_, layer) => stateLeaf(`w${layer}`, [128, 128]));
  for (const weight of weights) y = y.matmul(weight).tanh();
  const loss = y.square().mean();
  const assignments = gradients(loss, weights).map((gradient, place) => ({
    state: weights[place],
    value: weights[place].sub(gradient.mul(0.1)),
  }));
  return { loss, assignments };
}

Deno.test("deep networks need little more than half of the memory", () => {
  const { loss, assignments } = deepNetwork();
  const bytes = (half: boolean) =>
    [...compile([loss], assignments, { half }).arenas.values()].reduce(
      (sum, each) => sum + each,
      0,
    );
  const share = bytes(true) / bytes(false);
  assert.ok(share > 0.5 && share < 0.6, `${share}`);
});

gpuTest(
  "a device counts the bytes of its arenas",
  (device) => {
    const { loss, assignments } = deepNetwork();
    const bind = (leaf: Tensor) => device.allocate(leaf.dtype, leaf.size, "leaf");
    device.prepare(createProgram([loss], assignments), bind);
    const { arenas } = compilePlan(
      planProgram(createProgram([loss], assignments)),
      0,
      device.tuning,
    );
    const all = [...arenas.values()].reduce((sum, bytes) => sum + bytes, 0);
    const half = arenas.get(halfMemory)!;
    assert.ok(arenas.has(arenaMemory) && half > 12 * 256 * 128 * 2 && all < 2 * half);
    assert.equal(device.statistics.arenaBytes, all);
  },
  {},
  "mixed_float16",
);

Deno.test("what is read back is not rounded", () => {
  const x = inputLeaf("x", [32, 16], "f32");
  const y = x.matmul(inputLeaf("a", [16, 24], "f32")).tanh();
  const z = y.matmul(inputLeaf("b", [24, 8], "f32"));
  const bytes = (outputs: Tensor[]) => compile(outputs, [], { rowWork: 0 }).arenas.get(halfMemory);
  assert.equal(bytes([z]), 32 * 24 * 2);
  assert.equal(bytes([y, z]), undefined);
});

Deno.test("attention has its operands in halves, and its sums of weights whole", () => {
  const weights = Array.from({ length: 3 }, (_, place) => stateLeaf(`w${place}`, [8, 12]));
  const x = inputLeaf("x", [2 * 5, 8], "f32");
  const [query, key, value] = weights.map((weight) => x.matmul(weight).reshape([2, 5, 3, 4]));
  const y = scaledDotProductAttention(query, key, value).reshape([10, 12]);
  const loss = y.matmul(stateLeaf("last", [12, 1])).square().mean();
  const assignments = gradients(loss, weights).map((gradient, place) => ({
    state: weights[place],
    value: weights[place].sub(gradient),
  }));
  const stored = halves(compile([loss], assignments, { rowWork: 0 }));
  const [numbers, sums] = [2 * 5 * 12, 2 * 5 * 3];
  assert.equal(stored.filter((size) => size === numbers).length >= 3, true, `${stored}`);
  assert.ok(!stored.includes(sums) && !stored.includes(numbers + sums), `${stored}`);
});

/** `x` as the result of a product with one, so that what is computed from it reads halves. */
const through = (x: Tensor, one: Tensor) => x.reshape([x.size, 1]).matmul(one).reshape(x.shape);

/** Ops whose own ops keep halves, or that have none: matrices that are solved for, and what is sorted. */
const whole = new Set(["recompute", "solve", "inv", "det", "slogdet", "cholesky", "sort", "topK"]);

/**
 * A case of each op, of which halves can hold inputs and results. What a case keeps between its own
 * ops is rounded as well: it has none of them.
 */
function halfCases(): OpCase[] {
  const seen = new Map<string, number>();
  return opCases(mulberry32(7)).filter(({ name, inputs, build }) => {
    const leaves = inputs.map(({ shape, dtype }) => inputLeaf("x", shape, dtype));
    const floats = inputs.filter(({ dtype, data }) => dtype === "f32" && data.length > 0);
    const result = build(...leaves);
    const fits = floats.length > 0 && result.size > 0 && ["f32", "bool"].includes(result.dtype) &&
      floats.every(({ data }) => data.every((x) => !(x === 0 && Object.is(x, -0))));
    const op = name.split(/[ ,:([]/)[0];
    const count = (seen.get(op) ?? 0) + (fits ? 1 : 0);
    seen.set(op, count);
    return fits && count === 1 && !whole.has(op);
  });
}

for (const [kind, tuning] of [["as on this adapter", {}], ["as on hardware", hardware]] as const) {
  gpuTest(
    `ops on halves agree with the reference, ${kind}`,
    async (device) => {
      const failures: string[] = [];
      const cases = halfCases().filter(({ name }) =>
        tuning !== hardware || differsOnHardware(name)
      );
      const stored = cases.map(async ({ name, inputs, build, tolerance, magnitude = 0 }) => {
        const one = inputLeaf("one", [1, 1], "f32");
        const leaves = inputs.map(({ shape, dtype }, place) =>
          inputLeaf(`x${place}`, shape, dtype)
        );
        const rounded = inputs.map(({ dtype, data }) =>
          dtype === "f32" ? data.map(Math.f16round) : data
        );
        const bindings = new Map([
          value(one, [1]),
          ...leaves.map((leaf, place) => value(leaf, rounded[place])),
        ]);
        const y = build(...leaves.map((leaf) => leaf.dtype === "f32" ? through(leaf, one) : leaf));
        const outputs = [through(y.cast("f32"), one)];
        const [{ data: wanted }] = evaluateReference([build(...leaves)], bindings);
        const [got] = await evaluate(device, outputs, bindings);
        wanted.forEach((exact, place) => {
          const expected = Math.f16round(exact);
          if (Object.is(got[place], expected) || got[place] === expected) return;
          const unit = 2 ** -11 * Math.max(Math.abs(exact), magnitude, 2 ** -14);
          // A rounding of the result, and what the op itself may be off by.
          const allowed = unit * (2 + tolerance / 2 ** 12);
          if (Math.abs(got[place] - expected) <= allowed) return;
          failures.push(`${name}: element ${place} is ${got[place]}, not ${expected}`);
        });
        return halves(compile(outputs, [], tuning)).length;
      });
      // All at once: each read alone would wait 10 ms.
      const counts = await Promise.all(stored);
      assert.deepEqual(failures, []);
      assert.ok(
        cases.length > (tuning === hardware ? 5 : 50) && counts.every((count) => count > 0),
        `${counts}`,
      );
    },
    tuning,
    "mixed_float16",
  );
}

gpuTest(
  "tiles read halves four at a time",
  async (device) => {
    const random = mulberry32(9);
    const [x, a, b] = [[132, 20], [20, 72], [72, 128]].map((shape) =>
      inputLeaf("operand", shape, "f32")
    );
    const bindings = new Map([x, a, b].map((leaf) => value(leaf, floats(random, leaf.shape).data)));
    const y = x.matmul(a).tanh();
    const outputs = [y.matmul(b)];
    const { dispatches } = compile(outputs, [], { ...hardware, rowWork: 0 });
    assert.match(dispatches[1].shader.wgsl, /<storage, read> \w+: array<vec4<f16>>/);
    const [{ data: wanted }] = evaluateReference(outputs, bindings);
    const [got] = await evaluate(device, outputs, bindings);
    // 72 products of halves up to 1 with floats up to 3.
    const allowed = 2 ** -11 * 3 * Math.sqrt(72);
    wanted.forEach((exact, place) => {
      assert.ok(Math.abs(got[place] - exact) < allowed, `${place}: ${got[place]}, not ${exact}`);
    });
    assert.ok(wanted.some((exact, place) => Math.abs(got[place] - exact) > 1e-4 * Math.abs(exact)));
  },
  { ...hardware, rowWork: 0 },
  "mixed_float16",
);
