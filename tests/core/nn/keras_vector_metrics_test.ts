/** Metrics that add up several numbers, against Keras's own, on every device, plain and weighted. */
import assert from "node:assert/strict";
import { evaluateTensors } from "../../../core/cpu/evaluate.ts";
import type { Device } from "../../../core/graph/device.ts";
import { Tensor } from "../../../core/graph/tensor.ts";
import { addTotals } from "../../../core/nn/metric.ts";
import * as nn from "../../../core/nn/mod.ts";
import { tensor } from "../../../core/ops/mod.ts";
import golden from "../../golden/keras_vector_metrics.json" with { type: "json" };
import { deviceTest } from "../../training/devices.ts";
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

/** What a metric adds up, batch by batch. */
type Totals = readonly (readonly (Tensor | number)[])[];

/** A metric over batches that begin and end at these samples. */
function totalsOf(
  metric: nn.Metric,
  { prediction, target }: Case,
  batches: readonly (readonly [number, number])[],
  weighted: boolean,
): Totals {
  return batches.map(([start, end]) =>
    metric.apply(
      rowsOf(given[target], start, end),
      rowsOf(given[prediction], start, end),
      weighted ? rowsOf(golden.weight, start, end) : undefined,
    )
  );
}

/** The metric of totals that are added up as a run does. */
async function resultOf(metric: nn.Metric, totals: Totals, device: Device): Promise<number[]> {
  const tensors = totals.flat().filter((total) => total instanceof Tensor);
  const data = await evaluateTensors(tensors, device);
  const batches = totals.map((batch) =>
    batch.map((total) => total instanceof Tensor ? data[tensors.indexOf(total)] : [total])
  );
  const sums = batches[0].map((first) => new Float64Array(first.length));
  for (const batch of batches) {
    (metric.add ?? addTotals)(sums, batch.map((total) => Float64Array.from(total)));
  }
  const result = metric.result(...sums);
  return typeof result === "number" ? [result] : result.flat();
}

// A kernel takes a software adapter long to compile, and a second shape is a second kernel.
const inTwo = [[0, 40], [40, 60]] as const;
const inOne = [[0, 60]] as const;

await deviceTest("metrics are Keras's, with weights and without", async (device) => {
  for (const [name, each] of Object.entries(cases)) {
    const metric = nn[name.split("_")[0] as "auc"](...each.arguments as []);
    for (const weighted of device.type === "webgpu" ? [true] : [false, true]) {
      const totals = totalsOf(metric, each, device.type === "webgpu" ? inOne : inTwo, weighted);
      const expected = [weighted ? each.weighted : each.result].flat();
      assertClose(
        await resultOf(metric, totals, device),
        expected,
        2e-6,
        `${name}, ${weighted ? "weighted" : "plain"}`,
      );
    }
  }
});

Deno.test("names are Keras's", () => {
  for (const [name, each] of Object.entries(cases)) {
    const metric = nn[name.split("_")[0] as "auc"](...each.arguments as []);
    assert.equal(metric.name, each.name.replace(/_\d+$/, "").replace("one_hot_", ""));
    assert.equal(metric.direction, /false_|root_/.test(metric.name) ? "min" : "max");
  }
});
