// Explanations that leave something out, against their definitions in float64.
import assert from "node:assert/strict";
import { lastValueFrom, toArray } from "rxjs";
import {
  accuracy,
  arrays,
  dense,
  input,
  meanSquaredError,
  type Model,
  occlusion,
  permutationImportance,
  sequential,
  shapleySampling,
  sparseCategoricalCrossentropy,
  streamedDataSet,
} from "../../../mod.ts";
import { testOnDevices } from "../../devices.ts";
import {
  close,
  explained,
  features,
  inputs,
  largest,
  network,
  outputsOf,
  rows,
} from "./explained.ts";

/** Shapley's values by their definition, over all sets of features. */
function exactShapley(model: Model, row: readonly number[], target: number): number[] {
  const factorial = (n: number): number => n < 2 ? 1 : n * factorial(n - 1);
  const worth = (set: number) =>
    outputsOf(model, row.map((value, j) => set >> j & 1 ? value : 0))[target];
  return row.map((_, feature) => {
    let value = 0;
    for (let set = 0; set < 1 << features; set++) {
      if (set >> feature & 1) continue;
      const size = [0, 1, 2, 3].filter((j) => set >> j & 1).length;
      const weight = factorial(size) * factorial(features - size - 1) / factorial(features);
      value += weight * (worth(set | 1 << feature) - worth(set));
    }
    return value;
  });
}

await testOnDevices("Shapley sampling comes near the values over all sets", async (device) => {
  const model = network();
  const options = { target: 1, ...device };
  const { data, scores } = await explained(
    model,
    inputs,
    shapleySampling({ samples: 300 }),
    options,
  );
  close(data, rows.flatMap((row) => exactShapley(model, row, 1)), 0.05);
  const ground = outputsOf(model, [0, 0, 0, 0])[1];
  rows.forEach((_, i) => {
    const sum = data.slice(i * features, (i + 1) * features).reduce((all, part) => all + part, 0);
    assert(Math.abs(sum - (scores[i] - ground)) < 1e-4);
  });
  // Two players of two features: there are two orders, and each is met.
  const grouped = shapleySampling({ samples: 200, groups: [0, 1, 1, 0] });
  const pairs = (await explained(model, inputs, grouped, options)).data;
  rows.forEach((row, i) => {
    const with_ = (left: boolean, right: boolean) =>
      outputsOf(model, row.map((x, j) => (j === 0 || j === 3 ? left : right) ? x : 0))[1];
    const value = (with_(true, false) - with_(false, false) + with_(true, true) -
      with_(false, true)) / 2;
    assert.equal(pairs[i * 4], pairs[i * 4 + 3]);
    assert(Math.abs(2 * pairs[i * 4] - value) < 0.1, `${2 * pairs[i * 4]} for ${value}`);
  });
});

await testOnDevices("occlusion is the mean fall over the patches on a pixel", async (device) => {
  const model = sequential([input([9]), dense(2, { activation: "tanh" })], { seed: 5 });
  const image = Array.from({ length: 9 }, (_, at) => Math.fround(Math.cos(at)));
  const [kernel, bias] = model.parameters.map(({ value }) => [...value]);
  const score = (x: readonly number[]) =>
    Math.tanh(x.reduce((sum, value, at) => sum + value * kernel[at * 2 + 1], bias[1]));
  const expected = image.map((_, pixel) => {
    const falls: number[] = [];
    for (const top of [0, 1]) {
      for (const left of [0, 1]) {
        const covers = (at: number) => {
          const [y, x] = [Math.floor(at / 3), at % 3];
          return y >= top && y < top + 2 && x >= left && x < left + 2;
        };
        if (!covers(pixel)) continue;
        falls.push(score(image) - score(image.map((value, at) => covers(at) ? 0.5 : value)));
      }
    }
    return falls.reduce((sum, fall) => sum + fall, 0) / falls.length;
  });
  const method = occlusion({ size: [3, 3], window: 2, strides: 1, baseline: 0.5 });
  const given = { data: Float32Array.from(image), shape: [1, 9] };
  close((await explained(model, given, method, { target: 1, ...device })).data, expected);
});

await testOnDevices("permutation importance finds the planted feature", async (device) => {
  const table = Array.from(
    { length: 120 },
    (_, i) => [Math.sin(i), Math.sin(i * i), Math.cos(5 * i), Math.sin(7 * i + 2)],
  );
  const labels = table.map((row) => Number(row[2] > 0));
  const model = sequential([input([4]), dense(2)]);
  // Decides by the third feature, with a little of the first.
  model.parameters[0].set([0, 0.05, 0, 0, -3, 3, 0, 0]);
  const options = {
    loss: sparseCategoricalCrossentropy({ fromLogits: true }),
    metrics: [accuracy()],
    ...device,
  };
  const data = arrays(table, labels, { classes: 2 });
  for (const monitor of ["loss", "accuracy"]) {
    const found = await lastValueFrom(
      permutationImportance(model, data, { ...options, monitor, repeats: 3 }).pipe(toArray()),
    );
    assert.deepEqual(found.map(({ feature }) => feature), [0, 1, 2, 3]);
    assert.equal(largest(found.map(({ mean }) => mean)), 2);
    assert(found[2].mean > 0.3 && found[2].deviation > 0, `${found[2].mean}`);
    assert(Math.abs(found[1].mean) < 1e-6 && Math.abs(found[3].mean) < 1e-6);
  }
});

Deno.test("permutation importance knows where a weighted metric gets better, whatever its name", async () => {
  const x = Array.from({ length: 40 }, (_, row) => [Math.sin(row), Math.cos(3 * row)]);
  const y = x.map(([first]) => first > 0 ? 1 : 0);
  const data = arrays(x, y, { classes: 2, sampleWeight: y.map((label) => 1 + label) });
  const model = sequential([input([2]), dense(2, { useBias: false })]);
  model.parameters[0].set([-1, 1, 0, 0]);
  const found = await lastValueFrom(
    permutationImportance(model, data, {
      loss: sparseCategoricalCrossentropy({ fromLogits: true }),
      metrics: [accuracy()],
      weightedMetrics: [accuracy()],
      monitor: "weighted_accuracy",
      device: "cpu",
      threads: 1,
    }).pipe(toArray()),
  );
  assert(found[0].mean > 0.3, `${found[0].mean}`);
  assert.equal(found[1].mean, 0);
});

Deno.test("permutation importance refuses a data set that reads its samples", () => {
  const streamed = streamedDataSet({
    samples: 3,
    x: { shape: [2], type: "float32" },
    y: { shape: [1], type: "float32" },
    read(rows, { x, y }) {
      x.data.fill(1);
      y.data.set(rows);
    },
  });
  const model = sequential([input([2]), dense(1)]);
  assert.throws(
    () => permutationImportance(model, streamed, { loss: meanSquaredError() }),
    /as the data set must hold its samples: received one that reads them/,
  );
});
