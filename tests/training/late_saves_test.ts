/** Checkpoints that hear of the end when the run is over: they save the weights that it has left. */
import assert from "node:assert/strict";
import {
  lastValueFrom,
  type MonoTypeOperatorFunction,
  Observable,
  retry,
  Subject,
  takeUntil,
  tap,
} from "rxjs";
import {
  arrays,
  backward,
  checkpoint,
  type CheckpointOptions,
  dense,
  type Epoch,
  epochs,
  forward,
  input,
  jsonLines,
  loadWeights,
  loss,
  meanSquaredError,
  miniBatches,
  readWeightsMetadata,
  sequential,
  settled,
  sgd,
  update,
} from "../../mod.ts";
import type { DeviceOptions } from "../../core/stream/open_device.ts";
import { FakeWriter, inFolder, names } from "../core/stream/fake_epoch.ts";
import { testOnDevices } from "../devices.ts";

const rows = Array.from({ length: 20 }, (_, at) => [Math.sin(at), Math.cos(3 * at)]);
const data = arrays(rows, rows.map(([a, b]) => a - 2 * b));
const network = (seed: number) => sequential([input([2]), dense(3), dense(1)], { seed });
const weightsOf = (model: ReturnType<typeof network>) => model.parameters.map(({ value }) => value);

/** Steps of which the eighth, in the middle of the second epoch, is the last. */
function cut(model: ReturnType<typeof network>, options: DeviceOptions) {
  const stop = new Subject<void>();
  return miniBatches(data, { ...options, batchSize: 4, epochs: 9 }).pipe(
    forward(model),
    loss(meanSquaredError()),
    backward(),
    update(sgd({ learningRate: 0.1 })),
    tap(({ step, run }) => {
      if (step !== 8) return;
      run.reason = "interrupted";
      stop.next();
    }),
    takeUntil(stop),
    epochs(),
  );
}

/** Passes the end on a moment later, when what is above has been left. */
const late: MonoTypeOperatorFunction<Epoch> = (source) =>
  new Observable((subscriber) =>
    source.subscribe({
      next: (epoch) => subscriber.next(epoch),
      complete: () => void setTimeout(() => subscriber.complete(), 5),
      error: (error) => void setTimeout(() => subscriber.error(error), 5),
    })
  );

for (const weightsOnly of [false, true]) {
  const options: CheckpointOptions = { save: "last", weightsOnly };
  await testOnDevices(
    `an interrupted run is saved after its end: ${JSON.stringify(options)}`,
    (device) =>
      inFolder(async (folder) => {
        const [model, other] = [network(1), network(2)];
        const saving = checkpoint<Epoch>(`${folder}/a.safetensors`, options);
        await lastValueFrom(cut(model, device).pipe(late, saving));
        const file = weightsOnly ? "a.safetensors" : "a.weights.safetensors";
        // The file of the first epoch, to resume from, stays.
        assert.deepEqual(names(folder), weightsOnly ? [file] : ["a.safetensors", file]);
        const { reason } = await readWeightsMetadata(`${folder}/${file}`);
        assert.equal(reason, "interrupted");
        await settled(model);
        await loadWeights(other, `${folder}/${file}`);
        assert.deepEqual(weightsOf(other), weightsOf(model));
      }),
  );
}

Deno.test("lines below such a checkpoint have their end", () =>
  inFolder(async (folder) => {
    const writer = new FakeWriter();
    const steps = cut(network(1), { device: "cpu", threads: 1 });
    const saving = checkpoint<Epoch>(`${folder}/a.safetensors`, { save: "last" });
    await lastValueFrom(steps.pipe(late, saving, jsonLines(writer)));
    assert.equal(writer.events.at(-1)!.reason, "interrupted");
  }));

Deno.test("a run that fails is saved after its end", () =>
  inFolder(async (folder) => {
    const path = `${folder}/a.safetensors`;
    const failing = cut(network(1), { device: "cpu", threads: 1 }).pipe(
      tap(() => {
        throw new Error("Below");
      }),
      late,
      checkpoint<Epoch>(path, { onException: true, weightsOnly: true }),
    );
    await assert.rejects(lastValueFrom(failing), /Below/);
    assert.deepEqual(names(folder), ["a.exception.safetensors"]);
  }));

Deno.test("a file that nobody waits for ends the run if it cannot be written", async () => {
  const full = () => Promise.reject(new Error("the disk is full"));
  const failing = cut(network(1), { device: "cpu", threads: 1 }).pipe(
    tap(({ run }) => void run.save({}, full)),
  );
  await assert.rejects(lastValueFrom(failing), /the disk is full/);
});

await testOnDevices(
  "a second try that fails is saved as it is then",
  (device) =>
    inFolder(async (folder) => {
      const [model, other] = [network(1), network(2)];
      let count = 0;
      const failing = cut(model, device).pipe(
        tap(() => {
          throw new Error(`Failure ${++count}`);
        }),
        retry(1),
        checkpoint<Epoch>(`${folder}/a.safetensors`, { save: "last", onException: true }),
      );
      await assert.rejects(lastValueFrom(failing), /Failure 2/);
      const file = names(folder).find((name) => name.startsWith("a.exception"))!;
      await settled(model);
      await loadWeights(other, `${folder}/${file}`);
      assert.deepEqual(weightsOf(other), weightsOf(model));
    }),
);
