import assert from "node:assert/strict";
import { from, lastValueFrom, Observable, take, tap, toArray } from "rxjs";
import type { Epoch } from "../../../../core/stream/epoch.ts";
import {
  checkpoint,
  type CheckpointOptions,
  earlyStopping,
} from "../../../../core/stream/operators/mod.ts";
import { runListeners } from "../../../../core/stream/run_listeners.ts";
import { decodeSafetensors } from "../../../../core/state/mod.ts";
import {
  asRun,
  captureErrors,
  fakeEpoch,
  fakeEpochs,
  FakeRun,
  inFolder,
  names,
  training,
} from "../fake_epoch.ts";

/** The weight in a file, which is the number of the epoch that was saved, and its metadata. */
function saved(path: string): { weight: number; metadata: Record<string, string> } {
  const { tensors, metadata } = decodeSafetensors(Deno.readFileSync(path), path);
  assert.deepEqual([...tensors.keys()], ["dense_1/kernel"]);
  const { dtype, shape, data } = tensors.get("dense_1/kernel")!;
  assert.equal(dtype, "F32");
  assert.deepEqual(shape, [2, 1]);
  return { weight: data[0] as number, metadata };
}

interface Case {
  readonly what: string;
  readonly options: CheckpointOptions;
  readonly values: readonly number[];
  /** Epochs that are saved. */
  readonly saves: readonly number[];
}

const cases: Case[] = [
  { what: "each improvement", options: {}, values: [1, 2, 0.5, 0.7], saves: [1, 3] },
  { what: "an equal value is none", options: {}, values: [1, 1], saves: [1] },
  { what: "NaN is none", options: {}, values: [NaN, 1, NaN], saves: [2] },
  {
    what: "accuracy should rise",
    options: { monitor: "val_accuracy" },
    values: [0.5, 0.4, 0.6],
    saves: [1, 3],
  },
  {
    what: "a threshold must be beaten first",
    options: { initialValueThreshold: 0.5 },
    values: [1, 0.5, 0.4, 0.45],
    saves: [3],
  },
  {
    what: "every epoch for the last",
    options: { save: "last" },
    values: [1, 2, NaN],
    saves: [1, 2, 3],
  },
  {
    what: "the last of a log without direction",
    options: { save: "last", monitor: "reward" },
    values: [1],
    saves: [1],
  },
];

for (const { what, options, values, saves } of cases) {
  Deno.test(`checkpoint saves ${what}`, () =>
    inFolder(async (folder) => {
      const path = `${folder}/digits.safetensors`;
      const run = new FakeRun();
      const read = run.weights;
      const asked: number[] = [];
      run.weights = () => {
        asked.push(run.weight);
        return read.call(run);
      };
      const seen = await lastValueFrom(
        training(values, options.monitor, run).pipe(checkpoint(path, options), toArray()),
      );
      assert.equal(seen.length, values.length);
      assert.deepEqual(asked, saves);
      assert.equal(run.holds.length, saves.length);
      const { weight, metadata } = saved(path);
      const last = saves.at(-1)!;
      assert.equal(weight, last);
      const { logs, checksum, ...others } = metadata;
      assert.match(checksum, /^[0-9a-f]{8}$/);
      assert.deepEqual(others, { format_version: "1", epoch: `${last}`, step: `${last}0` });
      const value = values[last - 1];
      assert.deepEqual(JSON.parse(logs), {
        loss: 1,
        [options.monitor ?? "val_loss"]: Number.isNaN(value) ? "NaN" : value,
      });
      assert.deepEqual(names(folder), ["digits.safetensors"]);
    }));
}

Deno.test("checkpoint passes the end on when all is saved, with an operator above that ends early", () =>
  inFolder(async (folder) => {
    const path = `${folder}/digits.safetensors`;
    // These epochs wait for nothing.
    const epochs = from(fakeEpochs([3, 2, 1, 2])).pipe(earlyStopping());
    await lastValueFrom(epochs.pipe(checkpoint(path, { save: "last" })));
    assert.equal(saved(path).metadata.epoch, "4");
  }));

Deno.test("checkpoint asks for the weights at once, and before the source is torn down", () =>
  inFolder(async (folder) => {
    const path = `${folder}/digits.safetensors`;
    const run = new FakeRun();
    const source = new Observable<Epoch>((subscriber) => {
      run.weight = 5;
      subscriber.next(fakeEpoch(1, {}, run));
      run.weight = 6;
      run.reason = "interrupted";
      subscriber.complete();
      return () => void (run.weight = NaN);
    });
    const said = await captureErrors(async () => {
      await lastValueFrom(source.pipe(checkpoint(path)));
    });
    assert.equal(saved(path).weight, 5);
    assert.equal(saved(`${folder}/digits.last.safetensors`).weight, 6);
    assert.deepEqual(said, [
      'checkpoint: the logs of epoch 1 hold no "val_loss", so such an epoch is saved whatever it is worth (available: none)',
    ]);
  }));

Deno.test("checkpoint saves an interrupted run, and never over its best epoch", async () => {
  const interrupted: [CheckpointOptions, readonly number[], string][] = [
    [{}, [1, 2], "digits.last.safetensors"],
    [{ save: "last" }, [1, 2], "digits.safetensors"],
    [{}, [NaN], "digits.safetensors"],
    [{}, [], "digits.safetensors"],
    [{ initialValueThreshold: 0.5 }, [1], "digits.last.safetensors"],
  ];
  for (const [options, values, name] of interrupted) {
    await inFolder(async (folder) => {
      const run = new FakeRun();
      const source = new Observable<Epoch>((subscriber) => {
        for (const listener of runListeners()) listener(asRun(run));
        return training(values, undefined, run).pipe(tap({
          complete: () => {
            run.weight = 9;
            run.reason = "interrupted";
          },
        })).subscribe(subscriber);
      });
      const path = `${folder}/digits.safetensors`;
      await lastValueFrom(source.pipe(checkpoint(path, options), toArray()));
      const { weight, metadata: { checksum: _, ...metadata } } = saved(`${folder}/${name}`);
      assert.equal(weight, 9);
      assert.deepEqual(metadata, {
        format_version: "1",
        epoch: `${values.length}`,
        reason: "interrupted",
      });
    });
  }
});

Deno.test("a run that ends otherwise saves nothing more", () =>
  inFolder(async (folder) => {
    const path = `${folder}/digits.safetensors`;
    for (const reason of ["early_stopping", "error", undefined] as const) {
      const run = new FakeRun();
      await lastValueFrom(
        training([1, 2], undefined, run).pipe(
          tap({ complete: () => void (run.reason = reason) }),
          checkpoint(path),
        ),
      );
      assert.equal(saved(path).weight, 1);
      assert.deepEqual(names(folder), ["digits.safetensors"]);
    }
  }));

Deno.test("checkpoint saves nothing more when it is unsubscribed", () =>
  inFolder(async (folder) => {
    const path = `${folder}/digits.safetensors`;
    const run = new FakeRun();
    const epochs = from(fakeEpochs([2, 1], undefined, run)).pipe(
      tap(() => void (run.reason = "interrupted")),
    );
    await lastValueFrom(epochs.pipe(checkpoint(path), take(1)));
    await Promise.all(run.holds);
    await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal(saved(path).metadata.epoch, "1");
    assert.deepEqual(names(folder), ["digits.safetensors"]);
  }));

Deno.test("checkpoint passes an error of its source", async () => {
  const failing = new Observable<Epoch>((subscriber) => subscriber.error(new Error("lost")));
  await assert.rejects(lastValueFrom(failing.pipe(checkpoint("digits.safetensors"))), /lost/);
});

Deno.test("checkpoint refuses options out of range when it is made", () => {
  assert.throws(() => checkpoint("a", { save: "all" as "best" }), /"best" or "last"/);
  assert.throws(() => checkpoint("a", { mode: "down" as "min" }), /"auto", "min" or "max"/);
  assert.throws(() => checkpoint("a", { metadata: { run: "" } }), /"run".*checkpoint.*another key/);
  const metadata = { words: ["a"] as unknown as string };
  assert.throws(() => checkpoint("a", { metadata }), /"words".*text: received object.*stringify/);
  assert.throws(() => checkpoint("a", { initialValueThreshold: NaN }), RangeError);
});
