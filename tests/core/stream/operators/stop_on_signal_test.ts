import assert from "node:assert/strict";
import { concat, lastValueFrom, Observable, of, tap } from "rxjs";
import { stopOnSignal } from "../../../../core/stream/operators/mod.ts";
import { fakeEpoch, FakeRun, fakeStep } from "../fake_epoch.ts";

const ignore = Deno.build.os === "windows";

/** A run under way; listening alone would not keep the process up. */
const running = new Observable<never>(() => {
  const timer = setTimeout(() => {}, 10_000);
  return () => clearTimeout(timer);
});

Deno.test("a signal interrupts the run, and those below finish before the source is left", {
  ignore,
}, async () => {
  for (const event of [fakeStep(1), fakeEpoch(1)]) {
    const order: unknown[] = [];
    const endless = concat(of(event), running).pipe(
      tap({ unsubscribe: () => order.push("left") }),
      stopOnSignal(["SIGUSR1", "SIGTERM"], {
        onSignal: (name, exitCode) => order.push([name, exitCode, event.run.reason]),
      }),
      tap({
        next: () => setTimeout(() => Deno.kill(Deno.pid, "SIGTERM"), 0),
        complete: () => order.push("complete"),
      }),
    );
    await lastValueFrom<unknown>(endless);
    assert.deepEqual(order, [["SIGTERM", 143, "interrupted"], "complete", "left"]);
  }
});

/** Runs a script in a process of its own: the test runner listens to SIGINT itself. */
async function runAlone(script: string): Promise<Deno.CommandStatus> {
  const operator = import.meta.resolve("../../../../core/stream/operators/stop_on_signal.ts");
  const imports = `import { NEVER } from "rxjs"; import { stopOnSignal } from "${operator}";`;
  return await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-check", imports + script],
    stdout: "null",
    stderr: "null",
  }).output();
}

Deno.test("SIGINT means exit code 130", { ignore }, async () => {
  const { code } = await runAlone(`
    NEVER.pipe(stopOnSignal(undefined, { onSignal: (_, code) => Deno.exitCode = code }))
      .subscribe({ complete: () => clearTimeout(timer) });
    const timer = setTimeout(() => {}, 5000);
    Deno.kill(Deno.pid, "SIGINT");
  `);
  assert.equal(code, 130);
});

Deno.test({
  name: "each signal stops the runs that listen, and no others",
  ignore,
  fn: async () => {
    const runs = [new FakeRun(), new FakeRun()];
    const listening = runs.map((run, index) =>
      lastValueFrom(
        concat(of(fakeEpoch(1, {}, run)), running).pipe(
          stopOnSignal(index === 0 ? ["SIGUSR1"] : ["SIGUSR1", "SIGUSR2"]),
        ),
      )
    );
    Deno.kill(Deno.pid, "SIGUSR2");
    await listening[1];
    assert.deepEqual(runs.map(({ reason }) => reason), [undefined, "interrupted"]);
    Deno.kill(Deno.pid, "SIGUSR1");
    await listening[0];
    assert.deepEqual(runs.map(({ reason }) => reason), ["interrupted", "interrupted"]);
  },
});

Deno.test("the listener goes with the subscription", { ignore }, async () => {
  const { signal } = await runAlone(`
    NEVER.pipe(stopOnSignal()).subscribe().unsubscribe();
    setTimeout(() => {}, 5000);
    Deno.kill(Deno.pid, "SIGINT");
  `);
  assert.equal(signal, "SIGINT");
});

Deno.test("what onSignal throws fails the stream", { ignore }, async () => {
  const failing = running.pipe(
    stopOnSignal(["SIGUSR1"], {
      onSignal: () => {
        throw new Error("no");
      },
    }),
  );
  const failed = assert.rejects(lastValueFrom(failing), /no/);
  Deno.kill(Deno.pid, "SIGUSR1");
  await failed;
});

Deno.test("a signal that cannot be heard is an error", { ignore }, async () => {
  const source = new Observable<never>((subscriber) => subscriber.complete());
  await assert.rejects(lastValueFrom(source.pipe(stopOnSignal(["SIGKILL"]))), TypeError);
});
