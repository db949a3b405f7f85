/** Every op of the table on the CPU and on WebGPU, against the float64 reference. */
import assert from "node:assert/strict";
import { evaluateTensors } from "../../../core/cpu/evaluate.ts";
import { evaluateReference } from "../../../core/cpu/reference.ts";
import { createProgram } from "../../../core/graph/program.ts";
import { allocateData } from "../../../core/graph/dtype.ts";
import { topologicalOrder } from "../../../core/graph/differentiate.ts";
import type { Device } from "../../../core/graph/device.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import { gradients, mul, notEqual, sum, tensor } from "../../../core/ops/mod.ts";
import { ProgramRunner } from "../graph/program_runner.ts";
import { deviceTest } from "../../training/devices.ts";
import { errorInUnits, mulberry32, type OpCase, opCases } from "./cases.ts";
import { bind } from "./gradient_check.ts";

/** Cases that are planned together: one by one, a GPU would compile for minutes. */
const together = 40;

/** A case with its result, and the gradients of its weighted sum. */
interface Prepared {
  readonly name: string;
  readonly outputs: readonly Tensor[];
  readonly tolerance: number;
  readonly magnitude: number;
  readonly leaves: readonly Tensor[];
  readonly bindings: ReturnType<typeof bind>["bindings"];
}

/** How many terms the longest sum of a graph adds up: errors of float32 grow with its root. */
function reductionLength(roots: readonly Tensor[]): number {
  return Math.max(
    1,
    ...topologicalOrder(roots).map((node) => {
      const [input] = node.inputs;
      if (node.operation.kind === "reduction") return input.size / Math.max(1, node.size);
      if (node.operation.name === "convolution") return node.inputs[1].size / node.shape[4];
      return node.operation.name === "matmul" ? input.shape[input.rank - 1] : 1;
    }),
  );
}

function prepare(one: OpCase, backwards: boolean, random: () => number): Prepared[] {
  const { leaves, bindings } = bind(one.inputs);
  const result = one.build(...leaves);
  let outputs: readonly Tensor[] = [result];
  if (backwards) {
    if (one.differentiable.length === 0) return [];
    const weights = Float32Array.from({ length: result.size }, () => 0.5 + random());
    const total = sum(mul(result, tensor(weights, { shape: result.shape })));
    outputs = gradients(total, one.differentiable.map((place) => leaves[place]));
  }
  const { name, tolerance, magnitude = 0 } = one;
  const scale = Math.sqrt(reductionLength(outputs));
  // A gradient is a product of several results: its error is theirs together.
  const wide = backwards
    ? { tolerance: 64 + 8 * tolerance, magnitude: Math.max(1, magnitude) }
    : {};
  return [{ name, outputs, leaves, bindings, magnitude, tolerance: tolerance * scale, ...wide }];
}

/** Runs a batch of cases in one program, and gives those that are wrong. */
async function failures(device: Device, batch: readonly Prepared[]): Promise<string[]> {
  const values = new Map(batch.flatMap(({ leaves, bindings }) =>
    leaves.map((leaf) => {
      const data = allocateData(leaf.dtype, leaf.size);
      data.set(bindings.get(leaf)!.data);
      return [leaf, data] as const;
    })
  ));
  const program = createProgram(batch.flatMap(({ outputs }) => outputs), []);
  const runner = new ProgramRunner(device, program, values);
  await runner.step();
  const actual = await runner.outputs();
  runner.dispose();
  let next = 0;
  return batch.flatMap(({ name, outputs, bindings, tolerance, magnitude }) => {
    const expected = evaluateReference(outputs, bindings);
    const wrong = expected.flatMap(({ data, dtype }) => {
      const found = actual[next++];
      assert.equal(found.length, data.length, name);
      const allowed = dtype === "f32" ? tolerance : 0;
      const at = data.findIndex((value, index) =>
        !(errorInUnits(found[index], value, magnitude) <= allowed)
      );
      if (at < 0) return [];
      const units = errorInUnits(found[at], data[at], magnitude);
      return [`${name}: element ${at} is ${found[at]} for ${data[at]}: ${units} units`];
    });
    return wrong.slice(0, 1);
  });
}

for (const backwards of [false, true]) {
  const what = backwards ? "gradients of every op" : "results of every op";
  await deviceTest(
    `${what} are those of the reference`,
    async (device) => {
      const random = mulberry32(31);
      const cases = opCases(mulberry32(30)).flatMap((one) => prepare(one, backwards, random));
      assert.ok(cases.length > 200);
      const wrong: string[] = [];
      for (let start = 0; start < cases.length; start += together) {
        wrong.push(...await failures(device, cases.slice(start, start + together)));
      }
      assert.deepEqual(wrong, [], `${wrong.length} of ${cases.length} cases`);
    },
    "cpu, 1",
    "webgpu",
  );
}

await deviceTest(
  "NaN is not hidden, and divisions by 0 are infinite",
  async (device) => {
    const awkward = tensor([1, NaN, -2, 0]);
    const any = -1e9; // Any number but NaN.
    const outputs: [string, Tensor, number[]][] = [
      ["relu", awkward.relu(), [1, NaN, 0, 0]],
      ["tanh", awkward.tanh(), [any, NaN, any, 0]],
      ["sigmoid", awkward.sigmoid(), [any, NaN, any, 0.5]],
      ["abs", awkward.abs(), [1, NaN, 2, 0]],
      ["maximum", awkward.maximum(0.5), [1, NaN, 0.5, 0.5]],
      ["minimum", awkward.minimum(0.5), [0.5, NaN, -2, 0]],
      ["pow", awkward.pow(0.25), [1, NaN, NaN, 0]],
      ["notEqual", notEqual(awkward, awkward).cast("f32"), [0, 1, 0, 0]],
      ["cast to bool", awkward.cast("bool").cast("f32"), [1, 1, 1, 0]],
      ["sum", awkward.sum(), [NaN]],
      ["max", awkward.max(), [NaN]],
      ["min", awkward.min(), [NaN]],
      ["softmax", awkward.softmax(), [NaN, NaN, NaN, NaN]],
    ];
    // WGSL lets a GPU assume that no quotient is infinite.
    if (device.type !== "webgpu") {
      outputs.push(
        ["div by 0", awkward.div(0), [Infinity, NaN, -Infinity, NaN]],
        ["div by -0", awkward.div(-0), [-Infinity, NaN, Infinity, NaN]],
      );
    }
    const wrong: string[] = [];
    for (const [name, output, expected] of outputs) {
      const [data] = await evaluateTensors([output], device);
      // Zeros of either sign will do.
      const same = expected.every((value, at) =>
        value === any ? !Number.isNaN(data[at]) : data[at] === value || Object.is(data[at], value)
      );
      if (!same) wrong.push(`${name}: ${data} for ${expected}`);
    }
    assert.deepEqual(wrong, []);
  },
  "reference",
  "cpu, 1",
  "webgpu",
);
