import assert from "node:assert/strict";
import { concat, from, lastValueFrom, map, NEVER, of, range, throwError } from "rxjs";
import { progressBar, type ProgressBarOptions } from "../../../../core/stream/operators/mod.ts";
import type { Updated } from "../../../../core/stream/stages.ts";
import { FakeRun, fakeStep, FakeWriter } from "../fake_epoch.ts";

const plain: ProgressBarOptions = { color: false, interval: 0, width: 4 };

/** The drawings, one after another. */
function drawings({ text }: FakeWriter): string[] {
  return text.split("\r").slice(0, -1).map((drawing) => drawing.replace("\x1b[K", ""));
}

async function draw(options: ProgressBarOptions, count = 4, writer = new FakeWriter()) {
  const steps = range(1, count).pipe(map((step) => fakeStep(step, { stepsPerEpoch: 2 })));
  await lastValueFrom(steps.pipe(progressBar(writer, options)));
  return writer;
}

Deno.test("progressBar draws a bar for each epoch, and leaves it on a line of its own", async () => {
  const writer = await draw(plain);
  assert.equal(
    writer.text,
    "Epoch 1 ━━── 1/2\x1b[K\rEpoch 1 ━━━━ 2/2\x1b[K\r\n" +
      "Epoch 2 ━━── 1/2\x1b[K\rEpoch 2 ━━━━ 2/2\x1b[K\r\n",
  );
  assert.match((await draw({ ...plain, epochs: 20 })).text, /^Epoch 1\/20 ━━── 1\/2/);
});

Deno.test("progressBar has a colour unless NO_COLOR is set", async () => {
  const { text } = await draw({ ...plain, color: true });
  assert.ok(text.startsWith("Epoch 1 \x1b[32m━━\x1b[0m── 1/2"));
  assert.equal(
    (await draw({ ...plain, color: undefined })).text.includes("\x1b[32m"),
    !Deno.noColor,
  );
});

Deno.test("progressBar draws no more often than its interval, and the last step always", async () => {
  const writer = new FakeWriter();
  const steps = range(1, 1000).pipe(map((step) => fakeStep(step, { stepsPerEpoch: 1000 })));
  await lastValueFrom(steps.pipe(progressBar(writer, { ...plain, interval: 1e6 })));
  assert.deepEqual(drawings(writer), ["Epoch 1 ────    1/1000", "Epoch 1 ━━━━ 1000/1000"]);
});

/** Steps with time between them for values to become known. */
async function* spaced(steps: readonly Updated[]): AsyncGenerator<Updated> {
  for (const step of steps) {
    yield step;
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

Deno.test("progressBar shows the latest values known, and holds no step", async () => {
  const run = new FakeRun();
  const writer = new FakeWriter();
  const values = Promise.resolve({ loss: 0.41234, accuracy: 0, small: 1e-5, bad: NaN });
  const failed = Promise.reject<Record<string, number>>(new Error("the run has ended"));
  failed.catch(() => {});
  const steps = [1, 2, 3].map((step) =>
    fakeStep(step, { run, stepsPerEpoch: 3, values: step === 1 ? values : failed })
  );
  await lastValueFrom(from(spaced(steps)).pipe(progressBar(writer, plain)));
  assert.deepEqual(drawings(writer).map((drawing) => drawing.split("/3")[1]), [
    "",
    " loss: 0.4123 accuracy: 0.0000 small: 1.0000e-5 bad: NaN",
    " loss: 0.4123 accuracy: 0.0000 small: 1.0000e-5 bad: NaN",
  ]);
  assert.equal(run.holds.length, 0);
});

Deno.test("progressBar fits into the terminal", async () => {
  const values = Promise.resolve(
    Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`m${i}`, i])),
  );
  const writer = new FakeWriter();
  const steps = [1, 2, 3].map((step) => fakeStep(step, { values }));
  await lastValueFrom(from(spaced(steps)).pipe(progressBar(writer, plain)));
  let columns = 80;
  try {
    columns = Deno.consoleSize().columns || 80;
  } catch {
    // No terminal.
  }
  assert.equal(drawings(writer)[1].length, columns - 1);
});

Deno.test("progressBar ends its line on error and on leaving, before the error is passed on", () => {
  const writer = new FakeWriter();
  let before = "";
  concat(of(fakeStep(1)), throwError(() => new Error("lost"))).pipe(progressBar(writer, plain))
    .subscribe({ error: () => before = writer.text });
  assert.ok(before.endsWith("\r\n"));
  const left = new FakeWriter();
  concat(of(fakeStep(1)), NEVER).pipe(progressBar(left, plain)).subscribe().unsubscribe();
  assert.ok(left.text.endsWith("\r\n"));
  const unused = new FakeWriter();
  NEVER.pipe(progressBar(unused, plain)).subscribe().unsubscribe();
  assert.equal(unused.text, "");
});

Deno.test("progressBar writes nothing to what is no terminal, or a dumb one", async () => {
  assert.equal((await draw(plain, 4, new FakeWriter(Infinity, false))).text, "");
  const before = Deno.env.get("TERM");
  Deno.env.set("TERM", "dumb");
  try {
    assert.equal((await draw(plain)).text, "");
  } finally {
    if (before === undefined) Deno.env.delete("TERM");
    else Deno.env.set("TERM", before);
  }
});

Deno.test({
  name: "progressBar does not ask for the environment",
  permissions: { env: false },
  fn: async () => {
    assert.notEqual((await draw(plain)).text, "");
  },
});

Deno.test("a terminal that goes away does not stop training", async () => {
  const writer = new FakeWriter();
  writer.failure = new Deno.errors.BrokenPipe("closed");
  assert.equal((await draw(plain, 4, writer)).text, "");
});

Deno.test("progressBar refuses options out of range when it is made", () => {
  const writer = new FakeWriter();
  assert.throws(() => progressBar(writer, { width: 0 }), RangeError);
  assert.throws(() => progressBar(writer, { interval: -1 }), RangeError);
  assert.throws(() => progressBar(writer, { epochs: 1.5 }), RangeError);
});
