/** Losses and metrics against Keras itself (tests/golden/make_keras_golden.py), on every device. */
import assert from "node:assert/strict";
import { evaluateReference } from "../../../core/cpu/reference.ts";
import type { ReferenceArray } from "../../../core/graph/operation.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import * as nn from "../../../core/nn/mod.ts";
import { gradients, mean, tensor } from "../../../core/ops/mod.ts";
import { evaluateOn, testOnDevices } from "../../devices.ts";
import lossesJson from "../../golden/keras_losses.json" with { type: "json" };
import metricsJson from "../../golden/keras_metrics.json" with { type: "json" };
import { assertClose } from "./close.ts";
import { bound } from "./context.ts";
import type { GoldenTensor } from "./golden.ts";

interface LossCase {
  readonly prediction: string;
  readonly target: string;
  readonly options: Record<string, unknown>;
  readonly loss: number;
  readonly gradient: GoldenTensor;
}

const { given, cases } = lossesJson as unknown as {
  given: Record<string, GoldenTensor>;
  cases: Record<string, LossCase>;
};

/** The factory of a case: its name up to the underscore. */
function factoryOf<Made>(name: string): (options: unknown) => Made {
  const factory = (nn as unknown as Record<string, unknown>)[name.split("_")[0]];
  assert.equal(typeof factory, "function", `${name} is exported`);
  return factory as (options: unknown) => Made;
}

const isLabel = (name: string) => ["labels", "groups", "marked"].includes(name);

/** The mean loss and its slope, over leaves that `leaf` makes. */
function graph(
  name: string,
  leaf: (tensor: GoldenTensor, dtype: "f32" | "i32") => Tensor,
): Tensor[] {
  const { prediction, target, options } = cases[name];
  const outputs = leaf(given[prediction], "f32");
  const targets = leaf(given[target], isLabel(target) ? "i32" : "f32");
  const losses = factoryOf<nn.Loss>(name)(options).apply(targets, outputs);
  assert.deepEqual(losses.shape, outputs.shape.slice(0, 1), `${name}: one value a sample`);
  const value = mean(losses);
  return [value, ...gradients(value, [outputs])];
}

for (const [name, { loss, gradient }] of Object.entries(cases)) {
  Deno.test(`loss ${name} is Keras's, in value and gradient`, () => {
    const bindings = new Map<Tensor, ReferenceArray>();
    const outputs = graph(name, ({ shape, data }, dtype) => bound(bindings, shape, data, dtype));
    const [value, slope] = evaluateReference(outputs, bindings);
    assertClose(value.data, [loss], 1e-9, "loss");
    assertClose(slope.data, gradient.data, 1e-9, "gradient");
  });
}

await testOnDevices("losses are Keras's in float32", async (options) => {
  const names = Object.keys(cases);
  const tensors = names.flatMap((name) =>
    graph(name, ({ shape, data }, dtype) => tensor(data, { shape, dtype }))
  );
  const results = await evaluateOn(options, tensors);
  names.forEach((name, place) => {
    assertClose(results[2 * place], [cases[name].loss], 2e-5, name);
    assertClose(results[2 * place + 1], cases[name].gradient.data, 1e-4, `${name}, gradient`);
  });
});

const metrics = metricsJson.cases as Record<
  string,
  { name: string; prediction: string; target: string; options: unknown; result: number }
>;

for (const [name, one] of Object.entries(metrics)) {
  Deno.test(`metric ${name} over two batches is Keras's`, () => {
    const metric = factoryOf<nn.Metric>(name)(one.options);
    assert.equal(metric.name, one.name);
    assert.equal(metric.direction, name === "cosineSimilarityMetric" ? "max" : "min");
    let [total, count] = [0, 0];
    for (const [start, end] of [[0, 4], [4, 6]]) {
      const bindings = new Map<Tensor, ReferenceArray>();
      const rows = (source: string) => {
        const { shape, data } = given[source];
        const width = data.length / shape[0];
        const part = data.slice(start * width, end * width);
        return bound(
          bindings,
          [end - start, ...shape.slice(1)],
          part,
          isLabel(source) ? "i32" : "f32",
        );
      };
      const [added, samples] = metric.apply(rows(one.target), rows(one.prediction));
      total += evaluateReference([added as Tensor], bindings)[0].data[0];
      count += Number(samples);
    }
    const result = metric.result(Float64Array.of(total), Float64Array.of(count));
    assertClose([Number(result)], [one.result], 1e-9);
  });
}

Deno.test("meanMetric and sumMetric take any values", () => {
  const values = (targets: Tensor, outputs: Tensor) => outputs.mul(targets);
  const [targets, outputs] = [tensor([[1, 2], [3, 4]]), tensor([[1, 1], [2, 2]])];
  const result = (metric: nn.Metric) => {
    const [total, count] = metric.apply(targets, outputs);
    const { data } = evaluateReference([total as Tensor])[0];
    return metric.result(data, Float64Array.of(Number(count)));
  };
  assert.equal(result(nn.meanMetric(values)), (1.5 + 7) / 2);
  assert.equal(result(nn.sumMetric(values)), 3 + 14);
  assert.equal(result(nn.meanMetric()), 1.5);
  assert.equal(result(nn.sumMetric()), 6);
  const loss = nn.logCosh();
  assert.equal(nn.meanMetric(loss).name, "log_cosh");
  const named = nn.sumMetric(values, { name: "products", direction: "max" });
  assert.deepEqual([named.name, named.direction], ["products", "max"]);
  assert.equal(nn.sumMetric().result(Float64Array.of(0), Float64Array.of(0)), 0);
});
