/** Branches below a share that come while training goes on, and go, do not keep a run from resuming. */
import assert from "node:assert/strict";
import { concat, firstValueFrom, lastValueFrom, share, take } from "rxjs";
import {
  arrays,
  checkpoint,
  dense,
  earlyStopping,
  type Epoch,
  fit,
  history,
  input,
  meanSquaredError,
  reduceOnPlateau,
  sequential,
  sgd,
} from "../../mod.ts";
import { hyperparameter } from "../../core/nn/hyperparameter.ts";
import { inFolder } from "../core/stream/fake_epoch.ts";

const rows = Array.from({ length: 20 }, (_, at) => [Math.sin(at), Math.cos(3 * at)]);
const data = arrays(rows, rows.map(([a, b]) => a - 2 * b));
const network = () => sequential([input([2]), dense(1)], { seed: 1 });
const trained = (model: ReturnType<typeof network>, epochs: number, resume?: string) =>
  fit(model, data, {
    loss: meanSquaredError(),
    optimizer: sgd({ learningRate: 0.1 }),
    epochs,
    resume,
    device: "cpu",
    threads: 1,
  });
const saving = (path: string) => checkpoint<Epoch>(path, { save: "last" });

Deno.test("a run that others have looked at in the meantime is resumed without them", () =>
  inFolder(async (folder) => {
    const path = `${folder}/a.safetensors`;
    const training = trained(network(), 4).pipe(saving(path), share());
    const ended = lastValueFrom(training);
    await firstValueFrom(training);
    const seen = [
      lastValueFrom(training.pipe(take(1), history())),
      lastValueFrom(training.pipe(earlyStopping({ monitor: "loss", restoreBest: true }))),
    ];
    assert.deepEqual((await seen[0] as { epoch: number[] }).epoch, [2]);
    await Promise.all([ended, ...seen]);
    const [cut, whole] = [network(), network()];
    await lastValueFrom(trained(cut, 6, path).pipe(saving(path)));
    await lastValueFrom(trained(whole, 6));
    assert.deepEqual(cut.parameters[0].value, whole.parameters[0].value);
    // The file that this one has written holds nothing of them either.
    assert.equal((await lastValueFrom(trained(cut, 7, path).pipe(saving(path)))).epoch, 7);
  }));

Deno.test("a run behind another one is resumed, with the states of operators that met it late", () =>
  inFolder(async (folder) => {
    const path = `${folder}/a.safetensors`;
    const runs = concat(trained(network(), 1), trained(network(), 2));
    await lastValueFrom(runs.pipe(saving(path)));
    const rate = hyperparameter(0.1);
    // The state of what is in the pipe from the beginning must be there.
    const other = trained(network(), 3, path).pipe(reduceOnPlateau(rate, { monitor: "loss" }));
    assert.equal((await lastValueFrom(other)).epoch, 3);
    const both = concat(trained(network(), 1), trained(network(), 3, path));
    const again = both.pipe(saving(`${folder}/b.safetensors`));
    assert.equal((await lastValueFrom(again)).epoch, 3);
  }));

Deno.test("a state of the pipe itself is asked for as ever", () =>
  inFolder(async (folder) => {
    const path = `${folder}/a.safetensors`;
    const stopping = earlyStopping<Epoch>({ monitor: "loss", patience: 9 });
    await lastValueFrom(trained(network(), 2).pipe(stopping, saving(path)));
    await assert.rejects(
      lastValueFrom(trained(network(), 3, path).pipe(saving(path))),
      /the file has a state of "earlyStopping", the pipe has/,
    );
  }));
