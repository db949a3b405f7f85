// Explanations against the published formulas, written again in float64 without the framework.
import assert from "node:assert/strict";
import { lastValueFrom, map, take, tap, toArray } from "rxjs";
import {
  activationMaximisation,
  type Attribution,
  conv2d,
  dense,
  type DeviceOptions,
  explain,
  flatten,
  gradCam,
  input,
  inputTimesGradient,
  integratedGradients,
  occlusion,
  predictions,
  reshapeLayer,
  saliency,
  sequential,
  shapleySampling,
  smoothGrad,
  weightImages,
} from "../../../mod.ts";
import { testOnDevices } from "../../devices.ts";
import { TestCpu } from "../cpu/test_cpu.ts";
import {
  close,
  explained,
  features,
  inputs,
  largest,
  network,
  outputsOf,
  rows,
  samples,
  slopes,
} from "./explained.ts";

await testOnDevices(
  "gradient methods are slopes of the output that is explained",
  async (device) => {
    const model = network();
    const targets = rows.map((row) => largest(outputsOf(model, row)));
    const slope = rows.map((row, i) => slopes(model, row, targets[i]));
    const predicted = await explained(model, inputs, saliency(), device);
    close(predicted.data, slope.flat().map(Math.abs));
    close(predicted.scores, rows.map((row, i) => outputsOf(model, row)[targets[i]]));
    assert.deepEqual(predicted.shape, [samples, features]);
    const product = await explained(model, inputs, inputTimesGradient(), { target: 1, ...device });
    close(product.data, rows.flatMap((row) => slopes(model, row, 1).map((d, j) => d * row[j])));
    // One target a sample; the size of a batch changes nothing.
    const mixed = { target: [0, 1, 2, 1, 0], batchSize: 2, ...device };
    const listed = await explained(model, inputs, saliency(), mixed);
    close(listed.data, rows.flatMap((row, i) => slopes(model, row, mixed.target[i]).map(Math.abs)));
  },
);

await testOnDevices(
  "integrated gradients follow the integral, and are complete",
  async (device) => {
    const model = network();
    const baseline = 0.25;
    const method = integratedGradients({ steps: 50, baseline });
    const { data, scores } = await explained(model, inputs, method, {
      target: 2,
      batchSize: 3,
      ...device,
    });
    const expected = rows.flatMap((row) => {
      const points = Array.from({ length: 400 }, (_, at) => (at + 0.5) / 400);
      const way = row.map((value) => value - baseline);
      const all = points.map((share) =>
        slopes(model, way.map((part) => baseline + share * part), 2)
      );
      return way.map((part, j) => part * all.reduce((sum, one) => sum + one[j] / 400, 0));
    });
    close(data, expected, 1e-3);
    const ground = outputsOf(model, Array(features).fill(baseline))[2];
    rows.forEach((_, i) => {
      const sum = data.slice(i * features, (i + 1) * features).reduce((all, part) => all + part, 0);
      const whole = scores[i] - ground;
      assert(Math.abs(sum - whole) <= 0.01 * Math.abs(whole), `${sum} for ${whole}`);
    });
  },
);

await testOnDevices(
  "smoothGrad is the slope without noise, and near a wide mean with it",
  async (device) => {
    const model = network();
    const still = await explained(model, inputs, smoothGrad({ noise: 0, samples: 3 }), {
      target: 0,
      ...device,
    });
    close(still.data, rows.flatMap((row) => slopes(model, row, 0)));
    const options = { target: 0, ...device };
    const noisy = (seed: number) =>
      explained(model, inputs, smoothGrad({ noise: 0.3, samples: 400, seed }), options);
    const [first, other] = [await noisy(1), await noisy(2)];
    assert(first.data.some((value, at) => Math.abs(value - still.data[at]) > 1e-3));
    assert(first.data.some((value, at) => value !== other.data[at]));
    close(first.data, [...other.data], 0.1);
  },
);

await testOnDevices("a model that begins with a reshape is explained as any", async (device) => {
  const plain = network();
  const shaped = sequential([
    input([features]),
    reshapeLayer([2, 2]),
    flatten(),
    dense(6, { activation: "tanh" }),
    dense(3),
  ]);
  shaped.parameters.forEach((parameter, at) => parameter.set(plain.parameters[at].value));
  for (const method of [saliency(), integratedGradients(), smoothGrad(), shapleySampling()]) {
    const expected = await explained(plain, inputs, method, { target: 1, ...device });
    assert(expected.data.some((value) => Math.abs(value) > 0.1));
    const { data } = await explained(shaped, inputs, method, { target: 1, ...device });
    close(data, [...expected.data]);
  }
});

await testOnDevices(
  "Grad-CAM weighs maps by the mean slope, and stretches them",
  async (device) => {
    const model = sequential([
      input([4, 4, 1]),
      conv2d(2, 1, { strides: 2, useBias: false }),
      flatten(),
      dense(1),
    ], { seed: 4 });
    model.parameters[0].set([1, -2]);
    model.parameters[1].set([1, 2, 3, 4, -5, 6, 7, 1]);
    // Maps of every second pixel, times 1 and −2; slopes are the kernel of the last layer.
    const image = Array.from({ length: 16 }, (_, at) => Math.fround(Math.sin(at + 1)));
    const picked = [0, 2, 8, 10].map((at) => image[at]);
    const weights = [(1 + 3 - 5 + 7) / 4, (2 + 4 + 6 + 1) / 4];
    const map = picked.map((value) => Math.max(0, value * weights[0] - 2 * value * weights[1]));
    const shares = [[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]];
    const expected = shares.flatMap((down) =>
      shares.map((across) =>
        down.reduce(
          (sum, d, y) => sum + across.reduce((line, a, x) => line + d * a * map[y * 2 + x], 0),
          0,
        )
      )
    );
    const given = { data: Float32Array.from(image), shape: [1, 4, 4, 1] };
    close((await explained(model, given, gradCam({ layer: "conv2d_1" }), device)).data, expected);
  },
);

await testOnDevices(
  "the maximal input of a bounded square is its top",
  async (device: DeviceOptions) => {
    // 3a − a² − b has its top at a = 1.5; a decay of 0.5 draws it to 1; b goes to its bound.
    const square = (x: Parameters<Attribution["apply"]>[0]["x"]) => x.mul(3).sub(x.square());
    const model = sequential([input([1]), dense(1, { activation: square })]);
    model.parameters[0].set([1]);
    const options = { target: 0, range: [0, 4] as const, decay: 0.5, steps: 300, ...device };
    const { data, shape } = await activationMaximisation(model, options);
    assert.deepEqual(shape, [1]);
    assert(Math.abs(data[0] - 1) < 0.01, `${data[0]}`);
    assert.equal(model.parameters[0].value[0], 1);
  },
);

Deno.test("weights are drawn unit by unit, red above 0", () => {
  const model = sequential([input([4]), dense(2), dense(3)]);
  model.parameters[0].set([1, -1, 0, 2, -1, 0, 0.5, 0]);
  const [first, second] = weightImages(model);
  const full = (values: number[][]) => values.flat();
  assert.deepEqual(
    [...first.data],
    full([[255, 0, 0], [255, 255, 255], [0, 0, 255], [255, 128, 128]]),
  );
  assert.deepEqual([...second.data].slice(0, 6), full([[128, 128, 255], [255, 0, 0]]));
  const filters = sequential([input([5, 5, 1]), conv2d(3, [2, 4])]);
  assert.deepEqual(weightImages(filters).map(({ width, height }) => [width, height]), [
    [4, 2],
    [4, 2],
    [4, 2],
  ]);
  assert.throws(() => weightImages(model, { layer: "dense_2" }), /dense_2.*received \[2, 3\]/);
});

Deno.test("what cannot be explained is refused with what was given", async () => {
  const model = network();
  const cpu = { device: "cpu", threads: 1 } as const;
  const refused = (method: Attribution, options: object, message: RegExp) =>
    assert.rejects(explained(model, inputs, method, { ...cpu, ...options }), message);
  await refused(saliency(), { target: 3 }, /from 0 to 2.*received 3/);
  await refused(saliency(), { target: [0, 1] }, /5 samples: received 2 numbers/);
  await refused(saliency(), { batchSize: 0 }, /batchSize of explain/);
  await refused(gradCam({ layer: "conv" }), {}, /its layers are dense_1, dense_2/);
  await refused(gradCam({ layer: "dense_1" }), {}, /height, width, channels\]: received \[6\]/);
  await refused(shapleySampling({ groups: [0] }), {}, /4 features needs a group: received 1/);
  assert.throws(() => integratedGradients({ steps: 0 }), /steps of integratedGradients/);
  assert.throws(() => occlusion({ size: [3, 3], window: 0 }), /window of occlusion/);
  await assert.rejects(
    activationMaximisation(model, { target: 9, ...cpu }),
    /from 0 to 2: received 9/,
  );
});

Deno.test("explanations of several methods go with predictions, batch by batch", async () => {
  const model = network();
  const cpu = { device: "cpu", threads: 1 } as const;
  const stream = predictions(model, inputs, { batchSize: 2, ...cpu }).pipe(
    explain(saliency()),
    explain(integratedGradients(), { target: 1 }),
    explain(integratedGradients({ steps: 3 }), { target: 1, name: "coarse" }),
  );
  const batches = await lastValueFrom(stream.pipe(toArray()));
  assert.deepEqual(batches.map(({ start, samples }) => [start, samples]), [[0, 2], [2, 2], [4, 1]]);
  const names = ["saliency", "integratedGradients", "coarse"];
  for (const { explanations, outputs, start } of batches) {
    assert.deepEqual(Object.keys(explanations), names);
    assert.deepEqual(explanations.saliency.shape, [outputs.shape[0], features]);
    close(outputs.data, rows.slice(start, start + 2).flatMap((row) => outputsOf(model, row)));
    close(explanations.coarse.data, [...explanations.integratedGradients.data], 0.05);
  }
  // Each subscription computes anew, and may leave.
  assert.equal((await lastValueFrom(stream.pipe(take(1)))).start, 0);
  await assert.rejects(
    lastValueFrom(stream.pipe(explain(saliency()))),
    /a second time by "saliency"/,
  );
  await assert.rejects(
    lastValueFrom(stream.pipe(map(() => {
      throw new Error("Below");
    }))),
    /Below/,
  );
});

Deno.test("predictions that are left while a promise is held free the device at once", async () => {
  using device = new TestCpu(1);
  const rows = predictions(network(), inputs, { batchSize: 2, device });
  const left = async (held: Promise<unknown>) => {
    const seen = new Promise((seen) => {
      const holding = rows.subscribe((prediction) => {
        prediction.hold(held);
        setTimeout(() => seen(holding.unsubscribe()), 2);
      });
    });
    await seen;
    await new Promise((done) => setTimeout(done, 2));
    return device.memory.allocatedBytes;
  };
  const freed = await left(Promise.resolve());
  assert.equal(await left(new Promise(() => {})), freed);
});

Deno.test("a promise that another one has put on the batch is waited for, and fails the stream", async () => {
  const nested = predictions(network(), inputs, { batchSize: 2, device: "cpu", threads: 1 }).pipe(
    tap((prediction) => {
      prediction.hold(Promise.resolve().then(() => prediction.hold(Promise.reject("Nested"))));
    }),
  );
  await assert.rejects(lastValueFrom(nested), (error) => error === "Nested");
});

Deno.test("a slow operator makes predictions wait", async () => {
  let busy = 0;
  const most: number[] = [];
  const slow = predictions(network(), inputs, { batchSize: 1, device: "cpu", threads: 1 }).pipe(
    map((prediction) => {
      most.push(++busy);
      prediction.hold(new Promise((done) => setTimeout(done, 2)).then(() => busy--));
      return prediction;
    }),
  );
  await lastValueFrom(slow);
  assert.deepEqual(most, [1, 1, 1, 1, 1]);
});
