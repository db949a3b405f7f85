/** Epochs that are delayed, whose weights are gone when operators ask for them. */
import assert from "node:assert/strict";
import { concatMap, lastValueFrom, type MonoTypeOperatorFunction, tap } from "rxjs";
import {
  arrays,
  checkpoint,
  dense,
  earlyStopping,
  type Epoch,
  fit,
  input,
  meanSquaredError,
  sequential,
  sgd,
} from "../../mod.ts";
import type { Run } from "../../core/stream/run.ts";
import { captureErrors, inFolder } from "../core/stream/fake_epoch.ts";

const rows = Array.from({ length: 64 }, (_, at) => [Math.sin(at)]);
const data = arrays(rows, rows);
const later = () => new Promise<void>((resolve) => setTimeout(resolve, 3));

/** Trains with something slow above an operator, and gives what is said. */
function train(...callbacks: MonoTypeOperatorFunction<Epoch>[]): Promise<string[]> {
  const training = fit(sequential([input([1]), dense(1)], { seed: 1 }), data, {
    loss: meanSquaredError(),
    optimizer: sgd({ learningRate: 0.01 }),
    batchSize: 4,
    epochs: 4,
    callbacks,
    device: "cpu",
    threads: 1,
  });
  // What fails is said, too.
  return captureErrors(() => lastValueFrom(training).then(() => {}, console.error));
}

/** Delays epochs until their run has gone on, or is over. */
const delays = concatMap(async (epoch: Epoch) => {
  const run = epoch.run as Run;
  while (run.position.step === epoch.step && !run.closed) await later();
  return epoch;
});
const holds = tap((epoch: Epoch) => epoch.hold(later()));

Deno.test("checkpoint says that it has other weights than those of an epoch that was delayed", () =>
  inFolder(async (folder) => {
    const saving = () => checkpoint<Epoch>(`${folder}/a.safetensors`, { save: "last" });
    const said = await train(delays, saving());
    assert.equal(said.length, 1);
    assert.match(
      said[0],
      /^Warning: checkpoint hears of epoch \d, which ended with step \d+, when its run has made step \d+, .*: let the run wait by epoch.hold\(promise\)/,
    );
    assert.deepEqual(await train(holds, saving()), []);
  }));

Deno.test("earlyStopping says so where it is to put weights back", async () => {
  const stopping = (restoreBest: boolean) =>
    earlyStopping<Epoch>({ monitor: "loss", patience: 9, restoreBest });
  assert.deepEqual(await train(delays, stopping(false)), []);
  assert.deepEqual(await train(holds, stopping(true)), []);
  const said = await train(delays, stopping(true));
  assert.match(said[0], /^Warning: earlyStopping hears of epoch \d/);
  // The last epochs come when there is nothing left to copy.
  assert.match(said[1], /^DisposedError: Cannot copy the weights as the run has ended/);
  assert.equal(said.length, 2);
});
