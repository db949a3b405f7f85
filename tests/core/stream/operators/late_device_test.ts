/** A run whose device is chosen by its first step: lines wait for that, and no longer. */
import assert from "node:assert/strict";
import { Subject } from "rxjs";
import type { Epoch } from "../../../../core/stream/epoch.ts";
import { jsonLines } from "../../../../core/stream/operators/mod.ts";
import { fakeEpoch, FakeRun, FakeWriter } from "../fake_epoch.ts";

/** A run on the CPU until it is decided for a GPU, and the lines that it writes. */
function undecided() {
  const { promise, resolve } = Promise.withResolvers<void>();
  const run = Object.assign(new FakeRun(), { decided: promise });
  const described = run.describe();
  const decide = async () => {
    run.describe = () => ({ ...described, device: { type: "webgpu", name: "a GPU", threads: 1 } });
    resolve();
    await promise;
  };
  const writer = new FakeWriter();
  const epochs = new Subject<Epoch>();
  epochs.pipe(jsonLines(writer)).subscribe({ error: () => {} });
  epochs.next(fakeEpoch(1, { loss: 1 }, run));
  const told = () => writer.events.map(({ event, device }) => [event, (device as Device)?.type]);
  return { epochs, decide, told };
}

type Device = { readonly type: string } | undefined;

Deno.test("jsonLines tells the device as soon as it is decided, and then what came behind", async () => {
  const { epochs, decide, told } = undecided();
  assert.deepEqual(told(), []);
  await decide();
  const lines = [["start", "webgpu"], ["epoch", undefined]];
  assert.deepEqual(told(), lines);
  epochs.complete();
  assert.deepEqual(told(), [...lines, ["end", undefined]]);
});

Deno.test("jsonLines tells the device of a run that ends before it is decided", async () => {
  const { epochs, decide, told } = undecided();
  epochs.error(new Error("no device"));
  await new Promise((resolve) => setTimeout(resolve));
  const lines = [["start", "cpu"], ["epoch", undefined], ["end", undefined]];
  assert.deepEqual(told(), lines);
  await decide();
  assert.deepEqual(told(), lines);
});
