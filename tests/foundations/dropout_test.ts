// T2: dropout of 0.3 tosses each unit out for one iteration, in forward and backward alike.
import assert from "node:assert/strict";
import { lastValueFrom, map, mergeMap, tap, toArray } from "rxjs";
import {
  arrays,
  backward,
  dense,
  type DeviceOptions,
  dropout,
  dropoutSchedule,
  epochs,
  forward,
  hyperparameter,
  input,
  loss,
  meanSquaredError,
  miniBatches,
  type Model,
  predict,
  type ScalarSource,
  sequential,
  sgd,
  update,
} from "../../mod.ts";
import { assertClose } from "../core/nn/close.ts";
import { testOnDevices } from "../devices.ts";

const units = 64;
// One sample of two ones: every unit before the dropout is 2.
const data = arrays([[1, 1]], [new Array(units).fill(0)]);

function tossing(rate: ScalarSource): Model {
  return sequential([
    input([2]),
    dense(units, { useBias: false, kernelInitializer: "ones" }),
    dropout(rate),
  ]);
}

/** Outputs, and the kernel's gradient, of so many iterations over one batch. */
function iterations(
  model: Model,
  count: number,
  options: DeviceOptions,
  before = (_step: number) => {},
) {
  const steps = miniBatches(data, { batchSize: 1, epochs: count, seed: 42, ...options }).pipe(
    tap(({ step }) => before(step)),
    forward(model),
    loss(meanSquaredError()),
    backward(),
    map(({ outputs, gradients }) =>
      Promise.all([outputs, gradients.get(model.parameters[0])!].map((tensor) => tensor.data()))
    ),
    mergeMap((values) => values),
    map(([outputs, gradient]) => ({ outputs, gradient })),
    toArray(),
  );
  return lastValueFrom(steps);
}

const keptIn = (outputs: ArrayLike<number>) => Array.from(outputs, (value) => value !== 0);

await testOnDevices(
  "T2: at 0.3 a unit is 0 or 2 / 0.7, and so is its gradient",
  async (options) => {
    for (const { outputs, gradient } of await iterations(tossing(0.3), 3, options)) {
      const kept = keptIn(outputs);
      assertClose(outputs, kept.map((isKept) => isKept ? 2 / 0.7 : 0), 1e-6);
      // The loss is the mean of y² over 64 units: dJ/dw = 2y/64 · 1/0.7, for both inputs.
      const slope = 2 * (2 / 0.7) / 64 / 0.7;
      const expected = kept.map((isKept) => isKept ? slope : 0);
      assertClose(gradient, [...expected, ...expected], 1e-6);
    }
  },
);

await testOnDevices("T2: each iteration tosses out other units, three in ten", async (options) => {
  const masks = (await iterations(tossing(0.3), 20, options)).map(({ outputs }) => keptIn(outputs));
  assert.equal(new Set(masks.map(String)).size, 20);
  const kept = masks.flat().filter((isKept) => isKept).length;
  // Five standard deviations of 1,280 tosses: 5 · √(1280 · 0.21).
  assert(Math.abs(kept - 0.7 * 1280) < 82, `${kept} of 1,280`);
  // No unit is out for ever, and none is always there: 0.7²⁰ is below 1 in 1,000.
  const everKept = masks[0].map((_, unit) => masks.filter((mask) => mask[unit]).length);
  assert(everKept.every((times) => times > 2 && times < 20), `${everKept}`);
});

await testOnDevices(
  "T2: the same seed tosses out the same units on every device",
  async (options) => {
    const masks = async (where: DeviceOptions) =>
      (await iterations(tossing(0.3), 4, where)).map(({ outputs }) => keptIn(outputs));
    assert.deepEqual(await masks(options), await masks({ device: "reference" }));
  },
);

await testOnDevices("T2: in inference nothing is tossed out, nothing scaled", async (options) => {
  const { data: outputs } = await predict(tossing(0.3), data.x, options);
  assert.deepEqual([...outputs], new Array(units).fill(2));
});

await testOnDevices("T2: the rate may change at every iteration", async (options) => {
  const rate = hyperparameter(0);
  const rates = [0, 1, 0.3, 0, 0.9];
  const steps = await iterations(tossing(rate), 5, options, (step) => rate.next(rates[step - 1]));
  const kept = steps.map(({ outputs }) => keptIn(outputs).filter((isKept) => isKept).length);
  assert.deepEqual([kept[0], kept[1], kept[3]], [64, 0, 64]);
  assert(kept[2] > 30 && kept[2] < 60 && kept[4] > 0 && kept[4] < 20, `${kept}`);
  assert.deepEqual(steps[1].gradient, new Float32Array(2 * units), "a rate of 1 gives no NaN");
});

await testOnDevices("T2: a schedule of the rate, 0.3 · 0.9ⁿ, by epochs", async (options) => {
  const rate = hyperparameter(0.3);
  const used: number[] = [];
  const training = miniBatches(data, { epochs: 4, ...options }).pipe(
    tap(() => used.push(rate.value)),
    forward(tossing(rate)),
    loss(meanSquaredError()),
    backward(),
    update(sgd()),
    epochs(),
    dropoutSchedule(rate, ({ epoch }) => 0.3 * 0.9 ** epoch),
  );
  await lastValueFrom(training);
  assertClose(used, [0.3, 0.27, 0.243, 0.2187], 1e-12);
});
