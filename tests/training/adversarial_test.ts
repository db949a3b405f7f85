/** Groups of forward, loss, backward and update in one pipe: two networks against each other. */
import assert from "node:assert/strict";
import { filter, lastValueFrom, map, merge, share, toArray } from "rxjs";
import golden from "../golden/adversarial.json" with { type: "json" };
import {
  adam,
  arrays,
  backward,
  binaryCrossentropy,
  checkpoint,
  connect,
  dense,
  epochs,
  forward,
  frozen,
  functional,
  input,
  loss,
  meanSquaredError,
  miniBatches,
  type Model,
  rmsprop,
  sequential,
  sgd,
  update,
} from "../../mod.ts";
import { assertClose } from "../core/nn/close.ts";
import { testOnDevices } from "../devices.ts";

const { given } = golden;
type Weights = typeof given.generator | typeof given.discriminator;

function network([inputs, units, outputs]: number[], weights: Weights): Model {
  const layers = [dense(units, { activation: "tanh" }), dense(outputs)];
  const model = sequential([input([inputs]), ...layers]);
  for (const [name, { data }] of Object.entries(weights)) model.weights.get(name)!.set(data);
  return model;
}

const rows = (tensor: { shape: number[]; data: number[] }) => ({
  shape: tensor.shape,
  data: Float32Array.from(tensor.data),
});
const all = (value: number) => given.noise.data.slice(0, given.noise.shape[0]).map(() => [value]);
const data = arrays(
  { noise: rows(given.noise), real: rows(given.real) },
  { fake: all(0), real: all(1), fooled: all(1) },
);

/** Each step trains the discriminator, and then the generator against what it has become. */
function adversaries() {
  const generator = network([3, 6, 2], given.generator);
  const discriminator = network([2, 5, 1], given.discriminator);
  const [noise, real] = [input([3]), input([2])];
  const judge = functional({
    inputs: { noise, real },
    outputs: {
      fake: connect(noise, frozen(generator), discriminator),
      real: connect(real, discriminator),
    },
  });
  const deceive = functional({
    inputs: { noise },
    outputs: { fooled: connect(noise, generator, frozen(discriminator)) },
  });
  return { generator, discriminator, judge, deceive };
}

const cpu = { device: "cpu", threads: 1 } as const;
const crossentropy = binaryCrossentropy({ fromLogits: true });

testOnDevices("an adversarial pair learns as in PyTorch", async (options) => {
  const { generator, discriminator, judge, deceive } = adversaries();
  const settings = { ...options, batchSize: given.batchSize, epochs: given.epochs, shuffle: false };
  // Keras adds epsilon before it corrects the averages, PyTorch after: here it counts for nothing.
  const optimizer = (learningRate: number) => adam({ learningRate, epsilon: 1e-12 });
  const steps = miniBatches(data, settings).pipe(
    forward(judge),
    loss({ fake: crossentropy, real: crossentropy }, { name: "judge" }),
    backward(),
    update(optimizer(0.03)),
  ).pipe(
    forward(deceive),
    loss({ fooled: crossentropy }, { name: "deceive" }),
    backward(),
    update(optimizer(0.05)),
  );
  const losses = await lastValueFrom(steps.pipe(map((step) => step.values()), toArray()));
  for (const [place, values] of losses.entries()) {
    const { judge, deceive, learning_rate, learning_rate_2 } = await values;
    assertClose([judge, deceive], golden.losses[place], 2e-5, `losses of step ${place + 1}`);
    assert.deepEqual([learning_rate, learning_rate_2], [0.03, 0.05]);
  }
  for (const [name, { data }] of Object.entries(golden.final.generator)) {
    assertClose(generator.weights.get(name)!.value, data, 2e-5, name);
  }
  for (const [name, { data }] of Object.entries(golden.final.discriminator)) {
    assertClose(discriminator.weights.get(name)!.value, data, 2e-5, name);
  }
});

Deno.test("a second group goes on from the weights of the first, as another step would", async () => {
  const line = (weight: number) => {
    const model = sequential([input([1]), dense(1, { useBias: false })]);
    model.parameters[0].set([weight]);
    return model;
  };
  const points = arrays([[1], [2]], [[3], [5]]);
  const model = line(0.5);
  const once = miniBatches(points, { device: "reference", batchSize: 2 });
  const steps = once.pipe(
    forward(model),
    loss(meanSquaredError(), { name: "first" }),
    backward(),
    update(sgd({ learningRate: 0.1, momentum: 0.9 })),
  ).pipe(
    forward(model),
    loss(meanSquaredError(), { name: "second" }),
    backward(),
    update(sgd({ learningRate: 0.02 })),
  );
  const slope = (weight: number) => (weight - 3) * 1 + (2 * weight - 5) * 2;
  const first = 0.5 - 0.1 * slope(0.5);
  await lastValueFrom(steps);
  assertClose(model.parameters[0].value, [first - 0.02 * slope(first)], 1e-6);
});

Deno.test("a pair is validated, and a run of it goes on to the same bits", async () => {
  const folder = await Deno.makeTempDir();
  const run = async (last: number, resume?: string) => {
    const { generator, judge, deceive } = adversaries();
    const settings = { ...cpu, batchSize: 4, epochs: last, seed: 3, resume };
    const steps = miniBatches(data, settings).pipe(
      forward(judge),
      loss({ fake: crossentropy, real: crossentropy }, { name: "judge" }),
      backward(),
      update(adam({ learningRate: 0.03 })),
    ).pipe(
      forward(deceive),
      loss({ fooled: crossentropy }, { name: "deceive" }),
      backward(),
      update(rmsprop({ learningRate: 0.01 })),
    );
    const file = `${folder}/pair.safetensors`;
    const { logs } = await lastValueFrom(
      steps.pipe(epochs({ validation: data }), checkpoint(file, { save: "last" })),
    );
    return { logs, weights: [...generator.weights.values()].flatMap(({ value }) => [...value]) };
  };
  const whole = await run(4);
  await run(2);
  assert.deepEqual(await run(4, `${folder}/pair.safetensors`), whole);
  const { logs } = whole;
  assert.deepEqual(Object.keys(logs).filter((name) => /^val_(judge|deceive)$/.test(name)), [
    "val_judge",
    "val_deceive",
  ]);
});

Deno.test("a group in a branch of its own learns as in the same pipe, or at some steps alone", async () => {
  const run = async (branch: boolean, every: number) => {
    const { generator, judge, deceive } = adversaries();
    const critics = miniBatches(data, { ...cpu, batchSize: 4, epochs: 2, seed: 3 }).pipe(
      forward(judge),
      loss({ fake: crossentropy, real: crossentropy }, { name: "judge" }),
      backward(),
      update(adam({ learningRate: 0.03 })),
    );
    const deceivers = (steps: typeof critics) =>
      steps.pipe(
        filter(({ step }) => step % every === 0),
        forward(deceive),
        loss({ fooled: crossentropy }, { name: "deceive" }),
        backward(),
        update(adam({ learningRate: 0.05 })),
      );
    const shared = critics.pipe(share());
    const steps = branch ? merge(shared, deceivers(shared)) : deceivers(critics);
    await lastValueFrom(steps);
    return [...generator.weights.values()].flatMap(({ value }) => [...value]);
  };
  assert.deepEqual(await run(true, 1), await run(false, 1));
  assert.deepEqual(await run(true, 2), await run(false, 2));
  assert.notDeepEqual(await run(true, 2), await run(true, 1));
});
