import assert from "node:assert/strict";
import { evaluateReference } from "../../../core/cpu/reference.ts";
import { topologicalOrder } from "../../../core/graph/differentiate.ts";
import type { CompositeOperation } from "../../../core/graph/operation.ts";
import { createProgram } from "../../../core/graph/program.ts";
import { gradients } from "../../../core/ops/gradients.ts";
import { registeredOperations } from "../../../core/ops/registry.ts";
import { errorInUnits, mulberry32, opCases } from "./cases.ts";
import { elementwiseCases } from "./elementwise_cases.ts";
import { bind } from "./gradient_check.ts";

const cases = opCases(mulberry32(5));

Deno.test("every op of the table has a case", () => {
  // Devices run the results and their gradients, composites as what they are made of.
  const covered = new Set(
    cases.flatMap(({ inputs, build, differentiable }) => {
      const { leaves } = bind(inputs);
      const result = build(...leaves);
      const slopes = differentiable.length === 0
        ? []
        : gradients(result, differentiable.map((place) => leaves[place]));
      const order = topologicalOrder([result, ...slopes]);
      const expanded = createProgram([result, ...slopes], []).order;
      return [...order, ...expanded].map((node) => node.operation.name);
    }),
  );
  const missing = registeredOperations().filter(({ name }) => !covered.has(name));
  assert.deepEqual(missing.map(({ name }) => name), []);
});

Deno.test("cases have names of their own", () => {
  const names = cases.map(({ name }) => name);
  const repeated = names.filter((name, at) => names.indexOf(name) !== at);
  assert.deepEqual(repeated, []);
});

Deno.test("an op with a gradient has a differentiable case", () => {
  const checked = new Set(
    cases.filter(({ differentiable }) => differentiable.length > 0).flatMap(({ inputs, build }) =>
      topologicalOrder([build(...bind(inputs).leaves)]).map((node) => node.operation.name)
    ),
  );
  const missing = registeredOperations().filter(({ name, vjp }) => vjp && !checked.has(name));
  assert.deepEqual(missing.map(({ name }) => name), []);
});

for (const operation of registeredOperations()) {
  if (operation.kind !== "elementwise") continue;
  operation.samples.forEach((sample, at) => {
    if (!sample.expected) return;
    Deno.test(`${operation.name}, sample ${at}: ${sample.source ?? "by definition"}`, () => {
      const name = `${operation.name}, sample ${at}`;
      const { inputs, build } = elementwiseCases(mulberry32(6)).find((one) => one.name === name)!;
      const { leaves, bindings } = bind(inputs);
      // The very values, not rounded to float32, so that the float64 definition is held to them.
      leaves.forEach((leaf, place) => bindings.get(leaf)!.data.set(sample.inputs[place]));
      const [{ data }] = evaluateReference([build(...leaves)], bindings);
      sample.expected!.forEach((expected, index) => {
        const actual = data[index];
        const close = Math.abs(actual - expected) <= 1e-13 * Math.abs(expected);
        assert.ok(
          close || errorInUnits(actual, expected) === 0,
          `element ${index}: expected ${expected}, received ${actual}`,
        );
      });
    });
  });
}

Deno.test("a composite op is what it expands into", () => {
  for (const { name, inputs, build } of cases) {
    const { leaves, bindings } = bind(inputs);
    for (const node of topologicalOrder([build(...leaves)])) {
      if (node.operation.kind !== "composite") continue;
      const simpler = (node.operation as CompositeOperation).expand(node.inputs, node.attributes);
      assert.deepEqual([simpler.shape, simpler.dtype], [node.shape, node.dtype], name);
      const [own, expanded] = evaluateReference([node, simpler], bindings);
      own.data.forEach((value, index) =>
        assert.ok(
          Math.abs(value - expanded.data[index]) <= 1e-12 * (1 + Math.abs(value)),
          `${name}: ${value} against ${expanded.data[index]}`,
        )
      );
    }
  }
});

Deno.test("results of integer ops and conditions are values of their type", () => {
  for (const { name, inputs, build } of cases) {
    const { leaves, bindings } = bind(inputs);
    const [{ dtype, data }] = evaluateReference([build(...leaves)], bindings);
    const [low, high] = { i32: [-2147483648, 2147483647], u32: [0, 4294967295], bool: [0, 1] }[
      dtype as "i32"
    ] ?? [-Infinity, Infinity];
    if (dtype === "f32") continue;
    const good = data.every((value) => Number.isInteger(value) && low <= value && value <= high);
    assert.ok(good, `${name}: ${data}`);
  }
});
