// Very deep networks are planned in a time that grows with their depth.
import assert from "node:assert/strict";
import { placeLives } from "../../../core/graph/arena.ts";
import { inputLeaf, stateLeaf } from "../../../core/graph/leaf.ts";
import { planProgram } from "../../../core/graph/plan.ts";
import { createProgram } from "../../../core/graph/program.ts";
import { evaluateTensors } from "../../../core/cpu/evaluate.ts";
import { gradients, tensor } from "../../../core/ops/mod.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";

/** A chain of `length` elementwise steps, and its gradient, in float64 too. */
const chains: [string, length: number, (x: Tensor) => Tensor, value: number, slope: number][] = [
  ["x·0.999 + 0.001", 1500, (x) => x.mul(0.999).add(0.001), 1 - 0.5 * 0.999 ** 1500, 0.999 ** 1500],
  ["x + x/1000", 1500, (x) => x.add(x.mul(0.001)), 0.5 * 1.001 ** 1500, 1.001 ** 1500],
  ["tanh", 2000, (x) => x.tanh(), ...tanhOften(0.5, 2000)],
];

function tanhOften(x: number, times: number): [value: number, slope: number] {
  let slope = 1;
  for (let turn = 0; turn < times; turn++) {
    x = Math.tanh(x);
    slope *= 1 - x * x;
  }
  return [x, slope];
}

for (const [name, length, step, value, slope] of chains) {
  Deno.test(`a chain of ${length} times ${name} is computed, and so is its gradient`, async () => {
    const x = tensor([0.5]);
    let y = x;
    for (let turn = 0; turn < length; turn++) y = step(y);
    const [found, slopes] = await evaluateTensors([y, ...gradients(y.sum(), [x])]);
    assert(Math.abs(found[0] / value - 1) < 1e-3, `${found[0]} for ${value}`);
    assert(Math.abs(slopes[0] / slope - 1) < 1e-3, `${slopes[0]} for ${slope}`);
  });
}

/** A training step of `layers` residual layers, with the norm of all gradients. */
function residualStep(layers: number) {
  const weights = Array.from({ length: layers }, (_, at) => stateLeaf(`w${at}`, [8, 8]));
  let x: Tensor = inputLeaf("x", [4, 8], "f32");
  for (const weight of weights) x = x.add(x.relu().matmul(weight));
  const slopes = gradients(x.square().sum(), weights);
  const norm = slopes.map((slope) => slope.square().sum()).reduce((sum, part) => sum.add(part));
  const assignments = weights.map((state, at) => ({
    state,
    value: state.sub(slopes[at].mul(0.1)),
  }));
  return createProgram([norm], assignments);
}

Deno.test("a step of four times the layers is planned in less than nine times the time", () => {
  const seconds = (layers: number) => {
    const times = [1, 2, 3].map(() => {
      const start = performance.now();
      planProgram(residualStep(layers));
      return performance.now() - start;
    });
    return Math.min(...times);
  };
  seconds(50);
  const [short, long] = [seconds(400), seconds(1600)];
  // Quadratic growth is sixteen.
  assert(long / short < 9, `${long} ms for 1,600 layers, ${short} ms for 400`);
});

Deno.test("a buffer takes the first gap that is free while it lives", () => {
  const life = (bytes: number, first: number, last: number) => ({
    buffer: { leaf: null, dtype: "f32" as const, elements: bytes / 4, offset: 0 },
    bytes,
    first,
    last,
  });
  const lives = [life(640, 0, 1), life(512, 2, 3), life(256, 0, 3), life(128, 2, 2)];
  const [big, second, long, small] = lives.map(({ buffer }) => buffer);
  assert.equal(placeLives([...lives]), 896);
  assert.deepEqual([big.offset, second.offset, long.offset, small.offset], [0, 0, 640, 512]);
});
