/** A user's own expressions in the middle of the pipe, and several groups of stages in one. */
import assert from "node:assert/strict";
import { lastValueFrom, map, type Observable, tap, toArray } from "rxjs";
import {
  arrays,
  backward,
  dense,
  Differentiated,
  epochs,
  forward,
  input,
  loss,
  meanSquaredError,
  miniBatches,
  type Model,
  sequential,
  sgd,
  update,
} from "../../mod.ts";
import { TestCpu } from "../core/cpu/test_cpu.ts";
import { warningsOf } from "../warnings.ts";
import { devicesOf } from "./devices.ts";
import { crossentropy, lossesOf, onePole, points, smallModel, steps, weightsOf } from "./pipes.ts";

const cpu = { device: "cpu", threads: 1 } as const;
const devices = await devicesOf("reference", "cpu, 1", "webgpu");

for (const { name, options } of devices) {
  Deno.test(`data() in tap and map gives this step's values at every step [${name}]`, async () => {
    const { model, data, loss: squares } = onePole();
    const values: Promise<number>[] = [];
    const scalar = (promise: Promise<ArrayLike<number>>) => promise.then((found) => found[0]);
    const pipe = miniBatches(data, { epochs: 6, ...options }).pipe(
      forward(model),
      tap((step) => void values.push(scalar(step.outputs.mul(2).data()))),
      loss(squares),
      map((step) => {
        values.push(scalar(step.loss.sqrt().add(10).data()));
        return step;
      }),
      backward(),
      update(sgd({ learningRate: 0.25 })),
    );
    await lastValueFrom(pipe);
    const read = await Promise.all(values);
    const weights = [1, 0.5, 0.25, 0.125, 0.0625, 0.03125];
    const expected = weights.flatMap((w) => [2 * w, 10 + w]);
    read.forEach((value, at) => assert.ok(Math.abs(value - expected[at]) < 1e-5, `${read}`));
  });

  Deno.test(`a weight read in a step is the weight before its update [${name}]`, async () => {
    const { model, data, loss: squares } = onePole();
    const values: Promise<ArrayLike<number>>[] = [];
    const pipe = steps(
      model,
      data,
      sgd({ learningRate: 0.25 }),
      { epochs: 3, ...options },
      squares,
    );
    await lastValueFrom(pipe.pipe(tap(({ frame }) => {
      const leaf = [...frame.run.weightTable.leaves.values()][0];
      values.push(leaf.data());
    })));
    assert.deepEqual((await Promise.all(values)).map((found) => found[0]), [1, 0.5, 0.25]);
  });
}

Deno.test("reading at some steps makes two plans, and the values stay right", async () => {
  using device = new TestCpu(1);
  const { model, data, loss: squares } = onePole();
  const values: Promise<ArrayLike<number>>[] = [];
  const pipe = steps(model, data, sgd({ learningRate: 0.25 }), { epochs: 9, device }, squares)
    .pipe(tap((step) => void (step.step % 3 === 0 && values.push(step.outputs.data()))));
  await lastValueFrom(pipe);
  assert.deepEqual((await Promise.all(values)).map((found) => found[0]), [0.25, 2 ** -5, 2 ** -8]);
  assert.equal(device.plans.length, 2);
});

Deno.test("a number that changes and is baked in gives right results, and one warning", async () => {
  const { model, data, loss: squares } = onePole();
  const values: Promise<ArrayLike<number>>[] = [];
  const warnings = await warningsOf(async () => {
    const pipe = miniBatches(data, { epochs: 40, ...cpu }).pipe(
      forward(model),
      tap((step) => void values.push(step.outputs.mul(0).add(step.step).data())),
      loss(squares),
      backward(),
      update(sgd({ learningRate: 0.001 })),
    );
    await lastValueFrom(pipe);
  });
  assert.deepEqual(
    (await Promise.all(values)).map((found) => found[0]),
    Array.from({ length: 40 }, (_, step) => step + 1),
  );
  assert.equal(warnings.length, 1);
  assert.match(warnings[0], /plans were made.*"add".*hyperparameter\(\)/s);
});

Deno.test("a baked number in the gradients trains at the right rate", async () => {
  const { model, data, loss: squares } = onePole();
  const warnings = await warningsOf(async () => {
    const pipe = miniBatches(data, { epochs: 20, ...cpu }).pipe(
      forward(model),
      loss(squares),
      backward(),
      map((step) => {
        const scaled = [...step.gradients].map(([p, g]) => [p, g.mul(1 / step.step)] as const);
        return new Differentiated(step, new Map(scaled));
      }),
      update(sgd({ learningRate: 0.05 })),
    );
    const losses = await lossesOf(pipe);
    let weight = 1;
    losses.forEach((value, at) => {
      assert.ok(Math.abs(value - weight * weight) < 1e-5, `step ${at + 1}: ${value}`);
      weight *= 1 - 0.1 / (at + 1);
    });
  });
  assert.equal(warnings.length, 1);
});

for (const { name, options } of devices) {
  Deno.test(`two groups on the same weights: the second starts where the first ends [${name}]`, async () => {
    const { model, data, loss: squares } = onePole();
    const optimizer = sgd({ learningRate: 0.1 });
    const first = steps(model, data, optimizer, { epochs: 5, ...options }, squares);
    const both = first.pipe(
      forward(model),
      loss(squares, { name: "second_loss" }),
      backward(),
      update(sgd({ learningRate: 0.25 })),
    );
    const values: Promise<Readonly<Record<string, number>>>[] = [];
    await lastValueFrom(both.pipe(tap((step) => void values.push(step.values())), toArray()));
    let weight = 1;
    for (const { loss: one, second_loss: two } of await Promise.all(values)) {
      assert.ok(Math.abs(one - weight ** 2) < 1e-5, `${one} for ${weight ** 2}`);
      weight *= 0.8;
      assert.ok(Math.abs(two - weight ** 2) < 1e-5, `${two} for ${weight ** 2}`);
      weight *= 0.5;
    }
    const [[value]] = Object.values(await weightsOf(model));
    assert.ok(Math.abs(value - weight) < 1e-6, `${value} for ${weight}`);
  });
}

Deno.test("two groups on different models train like two runs", async () => {
  const data = points(60);
  const settings = { batchSize: 12, epochs: 3, ...cpu };
  const [a, b] = [smallModel(1), smallModel(2)];
  const optimizers = () => [sgd({ learningRate: 0.1, momentum: 0.9 }), sgd({ learningRate: 0.05 })];
  const [ofA, ofB] = optimizers();
  await lossesOf(steps(a, data, ofA, settings));
  await lossesOf(steps(b, data, ofB, settings));
  const [c, d] = [smallModel(1), smallModel(2)];
  const [ofC, ofD] = optimizers();
  const both = steps(c, data, ofC, settings).pipe(
    forward(d),
    loss(crossentropy, { name: "loss_d" }),
    backward(),
    update(ofD),
    epochs({ validation: points(20, 4) }),
  );
  const { logs } = await lastValueFrom(both);
  assert.deepEqual([await weightsOf(c), await weightsOf(d)], [
    await weightsOf(a),
    await weightsOf(b),
  ]);
  const names = ["loss", "loss_d", "val_loss", "val_loss_d", "learning_rate", "learning_rate_2"];
  assert.deepEqual(Object.keys(logs).sort(), names.sort());
});

/** A model whose first weights are not trained: a layer that says so. */
function halfFrozen(): Model {
  const layer = dense(4, { name: "frozen" });
  const frozen = {
    ...layer,
    init: (...given: Parameters<typeof layer.init>) => {
      const made = layer.init(...given);
      const parameters = made.parameters.map((one) => ({ ...one, trainable: false }));
      return { ...made, parameters };
    },
  };
  return sequential([input([2]), frozen, dense(3)], { seed: 4 });
}

Deno.test("frozen weights stay, and the others learn", async () => {
  const model = halfFrozen();
  const before = await weightsOf(model);
  const losses = await lossesOf(
    steps(model, points(60), sgd({ learningRate: 0.1, momentum: 0.9 }), { epochs: 5, ...cpu }),
  );
  const after = await weightsOf(model);
  assert.deepEqual(after["frozen/kernel"], before["frozen/kernel"]);
  assert.notDeepEqual(after["dense_1/kernel"], before["dense_1/kernel"]);
  assert.ok(losses.at(-1)! < losses[0]);
});

Deno.test("a stage used in two pipes at once keeps them apart", async () => {
  const stage = backward();
  const pipe = (model: Model): Observable<unknown> =>
    miniBatches(arrays([[1]], [[0]]), { epochs: 5, ...cpu }).pipe(
      forward(model),
      loss(meanSquaredError()),
      stage,
      update(sgd({ learningRate: 0.25 })),
    );
  const [a, b] = [onePole().model, onePole().model];
  await Promise.all([lastValueFrom(pipe(a)), lastValueFrom(pipe(b))]);
  assert.deepEqual([a, b].map((model) => model.parameters[0].value[0]), [2 ** -5, 2 ** -5]);
});
