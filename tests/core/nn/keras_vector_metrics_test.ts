/** Metrics that add up several numbers, against Keras's own, on every device, plain and weighted. */
import assert from "node:assert/strict";
import { Tensor } from "../../../core/graph/tensor.ts";
import * as nn from "../../../core/nn/mod.ts";
import { tensor } from "../../../core/ops/mod.ts";
import golden from "../../golden/keras_vector_metrics.json" with { type: "json" };
import { evaluateOn, testOnDevices } from "../../devices.ts";
import type { DeviceOptions } from "../../../mod.ts";
import { assertClose } from "./close.ts";
import type { GoldenTensor } from "./golden.ts";

interface Case {
  name: string;
  prediction: string;
  target: string;
  arguments: [];
  result: number | number[];
  weighted: number | number[];
}

const given = golden.given as Record<string, GoldenTensor>;
const cases = golden.cases as unknown as Record<string, Case>;

/** Rows of a golden tensor. */
function rowsOf({ shape, data }: GoldenTensor, start: number, end: number): Tensor {
  const size = data.length / shape[0];
  return tensor(data.slice(start * size, end * size), { shape: [end - start, ...shape.slice(1)] });
}

/** The metric of 40 samples and then 20, as a run adds them up. */
async function resultOf(
  metric: nn.Metric,
  { prediction, target }: Case,
  weighted: boolean,
  device: DeviceOptions,
): Promise<number[]> {
  const batches = [[0, 40], [40, 60]].map(([start, end]) =>
    metric.apply(
      rowsOf(given[target], start, end),
      rowsOf(given[prediction], start, end),
      weighted ? rowsOf(golden.weight, start, end) : undefined,
    )
  );
  const tensors = batches.flat().filter((total) => total instanceof Tensor);
  const values = await evaluateOn(device, tensors);
  const sums = batches[0].map((total, place) => {
    const parts = [total, batches[1][place]].map((part) =>
      part instanceof Tensor ? Array.from(values[tensors.indexOf(part)]) : [part]
    );
    return Float64Array.from(parts[0], (value, index) => value + parts[1][index]);
  });
  const result = metric.result(...sums);
  return typeof result === "number" ? [result] : result.flat();
}

for (const [name, each] of Object.entries(cases)) {
  const factory = nn[name.split("_")[0] as "auc"];
  const metric = factory(...each.arguments as []);
  await testOnDevices(`${name} is Keras's, with weights and without`, async (device) => {
    assertClose(await resultOf(metric, each, false, device), [each.result].flat(), 2e-6, "plain");
    assertClose(
      await resultOf(metric, each, true, device),
      [each.weighted].flat(),
      2e-6,
      "weighted",
    );
  });
}

Deno.test("names are Keras's", () => {
  for (const [name, each] of Object.entries(cases)) {
    const metric = nn[name.split("_")[0] as "auc"](...each.arguments as []);
    assert.equal(metric.name, each.name.replace(/_\d+$/, "").replace("one_hot_", ""));
    assert.equal(metric.direction, /false_|root_/.test(metric.name) ? "min" : "max");
  }
});
