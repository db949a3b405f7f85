/** A model's weights are one thing, on the host and on the device of a run that trains them. */
import assert from "node:assert/strict";
import { forkJoin, lastValueFrom, tap } from "rxjs";
import {
  adam,
  arrays,
  backward,
  connect,
  copyWeights,
  dense,
  evaluate,
  fit,
  forward,
  frozen,
  functional,
  input,
  loss,
  meanSquaredError,
  miniBatches,
  type Model,
  openModel,
  predict,
  sequential,
  settled,
  sgd,
  update,
  type Updated,
} from "../../mod.ts";
import { warningsOf } from "../warnings.ts";
import { deviceTest } from "./devices.ts";

const rows = Array.from({ length: 24 }, (_, at) => [Math.sin(at), Math.cos(3 * at)]);
const data = arrays(rows, rows.map(([a, b]) => [a - 2 * b]));
const cpu = { device: "cpu", threads: 1 } as const;
const network = (seed: number) => sequential([input([2]), dense(3), dense(1)], { seed });
const weightsOf = (model: Model) => model.parameters.map(({ value }) => Float32Array.from(value));

/** Six steps, each of which an action is told of; the source waits for what it does. */
async function train(
  model: Model,
  options: Parameters<typeof miniBatches>[1],
  action: (step: Updated) => Promise<void> | void,
): Promise<void> {
  const steps = miniBatches(data, { batchSize: 8, epochs: 2, seed: 2, ...options }).pipe(
    forward(model),
    loss(meanSquaredError()),
    backward(),
    update(adam({ learningRate: 0.05 })),
    tap((step) => {
      const promise = action(step);
      if (promise) step.hold(promise);
    }),
  );
  await lastValueFrom(steps);
  await settled(model);
}

await deviceTest(
  "who asks in mid-run has the weights after the present step",
  async (device) => {
    const whole = network(1);
    const expected: Float32Array[][] = [];
    for (let last = 1; last <= 6; last++) {
      const model = network(1);
      await lastValueFrom(fit(model, data, {
        device,
        batchSize: 8,
        seed: 2,
        epochs: last,
        stepsPerEpoch: 1,
        loss: meanSquaredError(),
        optimizer: adam({ learningRate: 0.05 }),
      }));
      expected.push(weightsOf(model));
    }
    const seen: Float32Array[][] = [];
    const outputs: number[] = [];
    const losses: number[] = [];
    {
      await using open = await openModel(whole, cpu);
      await train(whole, { device }, () =>
        settled(whole).then(async () => {
          seen.push(weightsOf(whole));
          // Nothing else is under way: these see the same weights.
          outputs.push((await open.predict([rows[0]])).data[0]);
          outputs.push((await predict(whole, [rows[0]], cpu)).data[0]);
          losses.push((await evaluate(whole, data, { ...cpu, loss: meanSquaredError() })).loss);
        }));
    }
    if (device.stepsInFlight === 1) assert.deepEqual(seen, expected);
    assert.deepEqual(weightsOf(whole), expected.at(-1));
    const after = network(1);
    after.parameters.forEach((parameter, place) => parameter.set(seen.at(-1)![place]));
    const [output] = (await predict(after, [rows[0]], cpu)).data;
    assert.deepEqual(outputs.slice(-2), [output, output]);
    assert.deepEqual(
      losses.at(-1),
      (await evaluate(after, data, { ...cpu, loss: meanSquaredError() })).loss,
    );
  },
  "reference",
  "cpu",
  "webgpu",
);

await deviceTest(
  "what a parameter is set to in mid-run counts from the next step on",
  async (device) => {
    const model = network(1);
    const other = network(9);
    await train(model, { device }, (step) => {
      if (step.step !== 4) return;
      step.afterwards(() => {
        for (const [place, { value }] of other.parameters.entries()) {
          model.parameters[place].set(value);
        }
      });
    });
    // The optimizer's averages are those of six steps; the weights begin anew with the fifth.
    assert.notDeepEqual(weightsOf(model), weightsOf(network(1)));
    const away = model.parameters[0].value.map((value, at) =>
      Math.abs(value - other.parameters[0].value[at])
    );
    assert(Math.max(...away) > 0 && Math.max(...away) < 0.15, `${away}`);
    const kept = network(1);
    await train(kept, { device }, ({ step }) => {
      if (step === 6) return settled(kept).then(() => kept.parameters[0].set(new Float32Array(6)));
    });
    assert.deepEqual(kept.parameters[0].value, new Float32Array(6));
  },
  "reference",
  "cpu, 1",
  "webgpu",
);

Deno.test("a frozen network is that of the host: a target that is copied every two steps", async () => {
  const [learner, target] = [network(1), network(2)];
  const x = input([2]);
  const both = functional({
    inputs: { x },
    outputs: { learnt: connect(x, learner), aim: connect(x, frozen(target)) },
  });
  const zeros = rows.map(() => [0]);
  const named = arrays({ x: rows }, { learnt: rows.map(([a]) => [a]), aim: zeros });
  const aims: number[] = [];
  const expected: number[] = [];
  let copied = await mean(target);
  const steps = miniBatches(named, { ...cpu, batchSize: 24, epochs: 7, shuffle: false }).pipe(
    forward(both),
    loss({ learnt: meanSquaredError(), aim: meanSquaredError() }),
    backward(),
    update(sgd({ learningRate: 0.1 })),
    tap((step) => {
      step.hold(
        step.values().then(async ({ aim_loss }) => {
          aims.push(aim_loss);
          expected.push(copied);
          if (step.step % 2 !== 0) return;
          await copyWeights(learner, target);
          copied = await mean(target);
        }),
      );
    }),
  );
  await lastValueFrom(steps);
  aims.forEach((value, place) => assert(Math.abs(value - expected[place]) < 1e-6));
  assert.equal(new Set(expected.map((value) => value.toFixed(5))).size, 4);
  assert.notDeepEqual(
    weightsOf(target),
    weightsOf(learner),
    "the last copy was made before the last step",
  );

  async function mean(model: Model): Promise<number> {
    const zero = arrays(rows, zeros);
    return (await evaluate(model, zero, { ...cpu, loss: meanSquaredError() })).loss;
  }
});

Deno.test("a run gives back what it has trained alone: a frozen teacher keeps what it learns meanwhile", async () => {
  const [teacher, pupil] = [network(1), network(2)];
  const x = input([2]);
  const told = functional({
    inputs: { x },
    outputs: { pupil: connect(x, pupil), teacher: connect(x, frozen(teacher)) },
  });
  const alone = network(1);
  await train(alone, cpu, () => undefined);
  const named = arrays({ x: rows }, {
    pupil: rows.map(([a]) => [a]),
    teacher: rows.map(([a]) => [a]),
  });
  const learning = fit(told, named, {
    ...cpu,
    loss: { pupil: meanSquaredError() },
    optimizer: sgd(),
    epochs: 40,
  });
  // The pupil's run goes on for longer.
  const teaching = fit(teacher, data, {
    ...cpu,
    batchSize: 8,
    epochs: 2,
    seed: 2,
    loss: meanSquaredError(),
    optimizer: adam({ learningRate: 0.05 }),
  });
  const warnings = await warningsOf(() => lastValueFrom(forkJoin([learning, teaching])));
  assert.deepEqual(weightsOf(teacher), weightsOf(alone));
  assert.deepEqual(warnings, []);
});

await deviceTest("a run that has ended holds no weight any longer", async (device) => {
  const model = network(1);
  await train(model, { device }, () => settled(model));
  await settled(model);
  assert.deepEqual(model.parameters.map(({ holder }) => holder), new Array(4).fill(undefined));
});

Deno.test("two runs that train one model at once are warned of, once", async () => {
  const model = network(1);
  const run = (seed: number) =>
    fit(model, data, { ...cpu, epochs: 3, seed, loss: meanSquaredError(), optimizer: sgd() });
  const warnings = await warningsOf(() => lastValueFrom(forkJoin([run(1), run(2)])));
  assert.equal(warnings.length, 1);
  assert.match(warnings[0], /dense_1\/kernel is trained by two runs at once.*concat/);
  assert.deepEqual(await warningsOf(() => lastValueFrom(run(3))), []);
});
