/** Frozen weights, schedules of freezing, and several optimizers in one pipe. */
import assert from "node:assert/strict";
import { lastValueFrom, type OperatorFunction, tap, toArray } from "rxjs";
import {
  adam,
  backward,
  clipGradients,
  dense,
  type Differentiated,
  epochs,
  forward,
  freeze,
  frozen,
  gradientNorms,
  input,
  loss,
  miniBatches,
  type MiniBatchesOptions,
  type Model,
  scheduleFreeAdamW,
  sequential,
  sgd,
  update,
  type Updated,
} from "../../mod.ts";
import { TestCpu } from "../core/cpu/test_cpu.ts";
import { testOnDevices } from "../devices.ts";
import { crossentropy, points, steps, weightsOf } from "./pipes.ts";

const data = points(96);
const cpu = { device: "cpu", threads: 1 } as const;

const network = () =>
  sequential([
    input([2]),
    dense(6, { activation: "tanh", name: "body" }),
    dense(5, { activation: "tanh", name: "neck" }),
    dense(3, { name: "head" }),
  ], { seed: 3 });

/** Weights after a run whose gradients go through `updates`. */
async function train(
  updates: OperatorFunction<Differentiated, Updated>,
  options: MiniBatchesOptions = {},
  model: Model = network(),
) {
  const before = await weightsOf(model);
  await lastValueFrom(
    miniBatches(data, { batchSize: 32, seed: 4, ...cpu, ...options }).pipe(
      forward(model),
      loss(crossentropy),
      backward(),
      updates,
    ),
  );
  const after = await weightsOf(model);
  const moved = Object.keys(before).filter((name) =>
    before[name].some((value, place) => value !== after[name][place])
  );
  return { after, moved };
}

const bodies = ["body/kernel", "body/bias"];
const necks = ["neck/kernel", "neck/bias"];
const heads = ["head/kernel", "head/bias"];

for (
  const [pattern, moved] of [
    ["body", [...necks, ...heads]],
    ["body/kernel", ["body/bias", ...necks, ...heads]],
    [["body", "neck/bias"], ["neck/kernel", ...heads]],
    [/bias$/g, ["body/kernel", "neck/kernel", "head/kernel"]],
    [(name: string) => !name.startsWith("head"), heads],
  ] as const
) {
  Deno.test(`freeze(${pattern}) holds these weights alone`, async () => {
    const frozen = (source: Parameters<OperatorFunction<Differentiated, Updated>>[0]) =>
      source.pipe(freeze(pattern), update(adam({ learningRate: 0.01 })));
    assert.deepEqual((await train(frozen)).moved, moved);
  });
}

await testOnDevices("a schedule unfreezes layers, and each set is planned once", async (device) => {
  const model = network();
  const seen: string[][] = [];
  const sgds = (source: Parameters<OperatorFunction<Differentiated, Updated>>[0]) =>
    source.pipe(
      freeze((name, { epoch }) =>
        epoch < 3 && name.startsWith("body") || epoch % 2 === 0 && name.startsWith("neck")
      ),
      tap((step) => seen[step.epoch] = [...step.gradients.keys()].map(({ name }) => name)),
      update(sgd({ learningRate: 0.1 })),
    );
  await train(sgds, { epochs: 6, batchSize: 20, ...device }, model);
  const all = [...bodies, ...necks, ...heads];
  const expected = [[...necks, ...heads], heads, all, [...bodies, ...heads], all, [
    ...bodies,
    ...heads,
  ]];
  assert.deepEqual(seen.slice(1), expected);
});

Deno.test("a schedule of freezing makes one plan for each set and batch size", async () => {
  using device = new TestCpu(1);
  const sgds = (source: Parameters<OperatorFunction<Differentiated, Updated>>[0]) =>
    source.pipe(
      freeze((name, { epoch }) =>
        epoch % 3 !== 0 && name.startsWith(epoch % 3 === 1 ? "body" : "neck")
      ),
      update(sgd({ learningRate: 0.1, momentum: 0.9 })),
    );
  await train(sgds, { epochs: 12, batchSize: 20, device });
  assert.equal(device.plans.length, 3 * 2);
});

Deno.test("frozen weights cost no products, and the same weights come of trainable: false", async () => {
  const products = async (
    updates: OperatorFunction<Differentiated, Updated>,
    model = network(),
  ) => {
    using device = new TestCpu(1);
    const { after } = await train(updates, { device }, model);
    const calls = device.plans[0].phases.flat();
    return {
      count: calls.filter((call) => call.kind === "structured" && call.name === "matmul").length,
      after,
    };
  };
  const frozen = (source: Parameters<OperatorFunction<Differentiated, Updated>>[0]) =>
    source.pipe(freeze("body"), update(sgd()));
  const held = sequential([
    input([2]),
    dense(6, { activation: "tanh", name: "body", trainable: false }),
    dense(5, { activation: "tanh", name: "neck" }),
    dense(3, { name: "head" }),
  ], { seed: 3 });
  const all = await products(update(sgd()));
  assert.equal(all.count, 3 + 5);
  const some = await products(frozen);
  assert.equal(some.count, 3 + 3);
  assert.deepEqual(await products(update(sgd()), held), some);
});

Deno.test("two optimizers with weights of their own do what each would do", async () => {
  const both = (source: Parameters<OperatorFunction<Differentiated, Updated>>[0]) =>
    source.pipe(
      update(sgd({ learningRate: 0.1 }), { only: "head" }),
      clipGradients({ globalNorm: 1e9 }),
      update(adam({ learningRate: 0.01 }), { only: /^(body|neck)/ }),
    );
  const one = { batchSize: 96 };
  const { after } = await train(both, one);
  const { after: bySgd } = await train(update(sgd({ learningRate: 0.1 })), one);
  const { after: byAdam } = await train(update(adam({ learningRate: 0.01 })), one);
  for (const name of heads) assert.deepEqual(after[name], bySgd[name]);
  for (const name of [...bodies, ...necks]) {
    after[name].forEach((value, place) =>
      assert.ok(Math.abs(value - byAdam[name][place]) < 1e-6, name)
    );
  }
});

Deno.test("a weight that two optimizers take is an error that names it", async () => {
  const twice = (source: Parameters<OperatorFunction<Differentiated, Updated>>[0]) =>
    source.pipe(update(sgd(), { only: "head" }), update(adam(), { only: /kernel/ }));
  await assert.rejects(train(twice), /Cannot update head\/kernel with adam .*"only"/);
  const whole = (source: Parameters<OperatorFunction<Differentiated, Updated>>[0]) =>
    source.pipe(update(sgd()), update(adam()));
  await assert.rejects(train(whole), /Cannot update body\/kernel, .*head\/bias with adam/);
});

Deno.test("the same weights may be updated by other gradients in the same pipe", async () => {
  const model = network();
  const again = (source: Parameters<OperatorFunction<Differentiated, Updated>>[0]) =>
    source.pipe(
      update(sgd()),
      forward(model),
      loss(crossentropy, { name: "second_loss" }),
      backward(),
      update(sgd()),
    );
  const { moved } = await train(again, {}, model);
  assert.equal(moved.length, 6);
});

Deno.test("a weight that no optimizer takes is warned of, once; a frozen one is not", async () => {
  const warnings: string[] = [];
  const log = console.error;
  console.error = (text: string) => void warnings.push(text);
  try {
    await train(update(sgd(), { only: ["neck", "head/kernel"] }), { batchSize: 20, epochs: 3 });
    assert.equal(warnings.length, 1);
    assert.match(warnings[0], /no optimizer updates body\/kernel, body\/bias, head\/bias: /);
    const frozen = (source: Parameters<OperatorFunction<Differentiated, Updated>>[0]) =>
      source.pipe(freeze(["body", "head/bias"]), update(sgd(), { only: ["neck", "head/kernel"] }));
    await train(frozen);
    assert.equal(warnings.length, 1);
  } finally {
    console.error = log;
  }
});

Deno.test("a model without trainable weights is warned of, once; one that rests for a while is not", async () => {
  const warnings: string[] = [];
  const log = console.error;
  console.error = (text: string) => void warnings.push(text);
  try {
    const rests = (source: Parameters<OperatorFunction<Differentiated, Updated>>[0]) =>
      source.pipe(freeze((_name, { epoch }) => epoch < 2), update(sgd()));
    const { moved } = await train(rests, { epochs: 2 });
    assert.equal(moved.length, 6);
    assert.deepEqual(warnings, []);
    const still = await train(update(sgd()), { batchSize: 40, epochs: 3 }, frozen(network()));
    assert.deepEqual(still.moved, []);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0], /update changes nothing as the model sequential has no trainable/);
  } finally {
    console.error = log;
  }
});

for (
  const [name, operator] of [
    ["clipGradients by globalNorm", clipGradients({ globalNorm: 1 })],
    ["clipGradients by norm", clipGradients({ norm: 1 })],
    ["gradientNorms", gradientNorms<Differentiated>()],
  ] as const
) {
  Deno.test(`${name} may come to a step at which all weights are frozen`, async () => {
    const rests = (source: Parameters<OperatorFunction<Differentiated, Updated>>[0]) =>
      source.pipe(freeze((_name, { epoch }) => epoch < 2), operator, update(sgd()));
    assert.equal((await train(rests, { epochs: 2 })).moved.length, 6);
    assert.deepEqual((await train(rests)).moved, []);
  });
}

Deno.test("gradientNorms logs 0 where all weights are frozen", async () => {
  const steps = miniBatches(data, { epochs: 2, ...cpu }).pipe(
    forward(network()),
    loss(crossentropy),
    backward(),
    freeze((_name, { epoch }) => epoch < 2),
    gradientNorms(),
    update(sgd()),
    epochs(),
    toArray(),
  );
  const [first, second] = await lastValueFrom(steps);
  assert.equal(first.logs.gradient_norm, 0);
  assert.ok(second.logs.gradient_norm > 0);
});

Deno.test("a pattern that means no weight is refused", async () => {
  const frozen = (source: Parameters<OperatorFunction<Differentiated, Updated>>[0]) =>
    source.pipe(freeze("bdoy"), update(sgd()));
  await assert.rejects(
    train(frozen),
    /Cannot freeze weights .* by bdoy: the model has body\/kernel, /,
  );
  await assert.rejects(
    train(update(sgd(), { only: /^tail/ })),
    /Cannot update weights .* \/\^tail\//,
  );
});

Deno.test("freezing nothing gives the weights of a run without it", async () => {
  const { after } = await train((source) => source.pipe(freeze(() => false), update(sgd())));
  const model = network();
  await lastValueFrom(steps(model, data, sgd(), { batchSize: 32, seed: 4, ...cpu }));
  assert.deepEqual(after, await weightsOf(model));
});

Deno.test("validation follows the averages of a layer that begins to learn late, and then rests", async () => {
  const validated = async (validationFrequency: number) => {
    const model = network();
    const pipe = miniBatches(data, { batchSize: 32, epochs: 4, seed: 4, ...cpu }).pipe(
      forward(model),
      loss(crossentropy),
      backward(),
      freeze((name, { epoch }) => name.startsWith("head/") && epoch !== 2),
      update(scheduleFreeAdamW({ learningRate: 0.05 })),
      epochs({ validation: data, validationFrequency }),
    );
    return (await lastValueFrom(pipe)).logs.val_loss;
  };
  // What is looked at in the last epoch is the same, wherever one has looked before.
  assert.deepEqual(await validated(1), await validated(4));
  assert.deepEqual(await validated(2), await validated(4));
});
