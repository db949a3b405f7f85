/** A network that follows another one. */
import assert from "node:assert/strict";
import { lastValueFrom, type Observable, tap } from "rxjs";
import {
  accumulateGradients,
  type AnyUpdated,
  arrays,
  backward,
  batchNormalization,
  dense,
  forward,
  hyperparameter,
  input,
  loss,
  meanSquaredError,
  miniBatches,
  type Model,
  sequential,
  settled,
  sgd,
  update,
  updateTarget,
  type UpdateTargetOptions,
} from "../../../mod.ts";
import { assertClose } from "../nn/close.ts";
import { inFolder } from "./fake_epoch.ts";

const data = arrays([[1], [2], [-1], [0.5], [3], [1.5]], [[1], [-1], [2], [0], [1], [2]]);
const network = () => sequential([input([1]), dense(1)], { seed: 1 });
const cpu = { device: "cpu", threads: 1 } as const;

/** Weights of a network after each step of a run, as seen below all operators. */
async function follow(
  [online, target]: readonly [Model, Model],
  options: UpdateTargetOptions,
  { gathered = 1, epochs = 1, resume, save }: {
    gathered?: number;
    epochs?: number;
    resume?: string;
    save?: string;
  } = {},
): Promise<number[][][]> {
  const seen: number[][][] = [];
  const look = async () => {
    await Promise.all([settled(online), settled(target)]);
    seen.push(
      [online, target].map(({ parameters }) => parameters.flatMap(({ value }) => [...value])),
    );
  };
  const steps: Observable<AnyUpdated> = miniBatches(data, {
    ...cpu,
    batchSize: 1,
    epochs,
    shuffle: false,
    resume,
  }).pipe(
    forward(online),
    loss(meanSquaredError()),
    backward(),
    accumulateGradients(gathered),
    update(sgd({ learningRate: 0.1 })),
    updateTarget(online, target, options),
    tap((step) => {
      step.hold(look());
      if (save) {
        void step.run.save({}, ({ bytes }) => Deno.writeFile(`${save}/${step.step}`, bytes));
      }
    }),
  );
  await lastValueFrom(steps);
  return seen;
}

Deno.test("the target is a moving average of the network after its update", async () => {
  const momentum = hyperparameter(0.5);
  const pair = [network(), network()] as const;
  let expected = pair[1].parameters.flatMap(({ value }) => [...value]);
  const seen = await follow(pair, { momentum });
  for (const [online, target] of seen) {
    expected = expected.map((old, place) => (old + online[place]) / 2);
    assertClose(target, expected, 1e-6, "target");
  }
  assert.equal(seen.length, 6);
});

Deno.test("the momentum may be a schedule", async () => {
  const pair = [network(), network()] as const;
  let expected = pair[1].parameters.flatMap(({ value }) => [...value]);
  const seen = await follow(pair, { momentum: (step) => 1 / (2 + step) });
  seen.forEach(([online, target], step) => {
    expected = expected.map((old, place) =>
      old / (2 + step) + online[place] * (1 - 1 / (2 + step))
    );
    assertClose(target, expected, 1e-6, `step ${step}`);
  });
});

Deno.test("a hard target takes over the weights after so many updates, not steps", async () => {
  const pair = [network(), network()] as const;
  const first = pair[1].parameters.flatMap(({ value }) => [...value]);
  const options = { momentum: 0, everyUpdates: 2 };
  const seen = await follow(pair, options, { gathered: 2, epochs: 2 });
  seen.forEach(([online, target], place) => {
    const step = place + 1;
    if (step < 4) assert.deepEqual(target, first, `step ${step}`);
    if (step % 4 === 0) assert.deepEqual(target, online, `step ${step}`);
    if (step > 4 && step % 4 !== 0) assert.deepEqual(target, seen[4 * Math.floor(step / 4) - 1][0]);
  });
});

Deno.test("moving averages of the network are taken over as they are", async () => {
  const make = () => sequential([input([1]), batchNormalization({ momentum: 0.9 }), dense(1)]);
  const pair = [make(), make()] as const;
  await follow(pair, { momentum: 0.99 });
  const [online, target] = pair.map(({ weights }) => weights);
  for (const role of ["moving_mean", "moving_variance"]) {
    const name = `batch_normalization_1/${role}`;
    assert.deepEqual(target.get(name)!.value, online.get(name)!.value);
  }
  assert.notEqual(target.get("dense_1/kernel")!.value[0], online.get("dense_1/kernel")!.value[0]);
});

Deno.test("a run goes on with its count of updates to the same bits", () =>
  inFolder(async (folder) => {
    const options = { momentum: 0.3, everyUpdates: 4 };
    const whole = await follow([network(), network()], options, { save: folder });
    for (const step of [1, 2, 3, 4, 5]) {
      const rest = await follow([network(), network()], options, { resume: `${folder}/${step}` });
      assert.deepEqual(rest, whole.slice(step), `after step ${step}`);
    }
  }));

Deno.test("what cannot follow is refused", () => {
  const [online, target] = [network(), network()];
  const other = sequential([input([1]), dense(2)]);
  const cases: [() => unknown, RegExp][] = [
    [
      () => updateTarget(online, target, { momentum: 1.5 }),
      /momentum .* from 0 to 1: received 1.5/,
    ],
    [() => updateTarget(online, target, { everyUpdates: 0 }), /everyUpdates .* received 0/],
    [
      () => updateTarget(online, online),
      /shares weights with sequential: make a network of its own/,
    ],
    [
      () => updateTarget(online, other),
      /update a target as the shape of dense_1\/kernel is \[1, 2\]/,
    ],
    [
      () => updateTarget(online, target, { by: "place" as never }),
      /"name" or "order": received "place"/,
    ],
    [
      () => updateTarget(online, sequential([input([1]), dense(1, { name: "own" })])),
      /no name is in both models: sequential has dense_1\/kernel/,
    ],
    [() => updateTarget(null as never, target), /follow a network with updateTarget/],
  ];
  for (const [make, message] of cases) assert.throws(make, message);
});
