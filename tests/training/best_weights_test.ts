// The best weights come back also where the run has ended before earlyStopping hears of it.
import assert from "node:assert/strict";
import { concat, lastValueFrom, type MonoTypeOperatorFunction, Observable, take, tap } from "rxjs";
import {
  arrays,
  checkpoint,
  dense,
  earlyStopping,
  type Epoch,
  evaluate,
  fit,
  input,
  meanSquaredError,
  sequential,
  settled,
  sgd,
} from "../../mod.ts";
import type { DeviceOptions } from "../../core/stream/open_device.ts";
import { TestCpu } from "../core/cpu/test_cpu.ts";
import { inFolder } from "../core/stream/fake_epoch.ts";
import { testOnDevices } from "../devices.ts";

const points = [[1], [2], [3]];
const data = arrays(points, points);
const network = () => sequential([input([1]), dense(1, { useBias: false })], { seed: 3 });

/** Three epochs, the loss of each noted: they get better by a small rate, and worse by a large one. */
function trained(
  model: ReturnType<typeof network>,
  learningRate: number,
  options: DeviceOptions,
  losses: number[],
): Observable<Epoch> {
  const training = fit(model, data, {
    loss: meanSquaredError(),
    optimizer: sgd({ learningRate }),
    epochs: 3,
    validation: data,
    ...options,
  });
  return training.pipe(tap(({ logs }) => void losses.push(logs.val_loss)));
}

const best = () => earlyStopping<Epoch>({ patience: 9, restoreBest: true });

async function lossOf(model: ReturnType<typeof network>): Promise<number> {
  await settled(model);
  return (await evaluate(model, data, { loss: meanSquaredError(), device: "cpu", threads: 1 }))
    .loss;
}

/** Passes the end on a moment later, when what is above has been left. */
const late: MonoTypeOperatorFunction<Epoch> = (source) =>
  new Observable((subscriber) =>
    source.subscribe({
      next: (epoch) => subscriber.next(epoch),
      complete: () => void setTimeout(() => subscriber.complete(), 5),
    })
  );

await testOnDevices("the best weights of the last of two trainings come back", async (options) => {
  const [model, losses] = [network(), [] as number[]];
  const both = concat(trained(model, 0.05, options, losses), trained(model, 0.4, options, losses));
  await lastValueFrom(both.pipe(best()));
  assert.ok(losses[2] < losses[3] && losses[3] < losses[5], `${losses}`);
  assert.ok(Math.abs(await lossOf(model) / losses[3] - 1) < 1e-5);
});

await testOnDevices(
  "the best weights come back below an end that is held up",
  (options) =>
    inFolder(async (folder) => {
      const saving = checkpoint<Epoch>(`${folder}/a.safetensors`, { save: "last" });
      for (const above of [saving, late]) {
        const [model, losses] = [network(), [] as number[]];
        await lastValueFrom(trained(model, 0.4, options, losses).pipe(take(2), above, best()));
        assert.ok(losses[0] < losses[1], `${losses}`);
        assert.ok(Math.abs(await lossOf(model) / losses[0] - 1) < 1e-5);
      }
    }),
);

Deno.test("copies of the weights leave nothing on a device that goes on", async () => {
  using device = new TestCpu(1);
  const train = () => {
    const model = network();
    const runs = [0.4, 0.4, 0.4].map((rate) => trained(model, rate, { device }, []));
    return lastValueFrom(concat(...runs).pipe(best()));
  };
  await train();
  const before = device.memory.allocatedBytes;
  await train();
  assert.equal(device.memory.allocatedBytes, before);
});
