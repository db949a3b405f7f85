import assert from "node:assert/strict";
import { concat, from, lastValueFrom, map, range, take, tap, throwError, toArray } from "rxjs";
import { TestScheduler } from "rxjs/testing";
import { withClock } from "../../../clock.ts";
import type { Ceilings, StepProfile } from "../../../../core/graph/profile.ts";
import { profile, type ProfileOptions } from "../../../../core/stream/operators/mod.ts";
import { summarize } from "../../../../core/stream/profile_summary.ts";
import { profileTable } from "../../../../core/stream/profile_table.ts";
import type { ProfileReceiver } from "../../../../core/stream/profiles.ts";
import type { Updated } from "../../../../core/stream/stages.ts";
import { FakeRun, fakeStep, FakeWriter, inFolder, names } from "../fake_epoch.ts";

const kernels = [
  { name: "matmul [2,3]×[3,4] (dense_1)", flops: 48_000, bytes: 4_000 },
  { name: "copy [8]", flops: 0, bytes: 1_000 },
  { name: "add [8]", flops: 8, bytes: 96 },
  { name: "add [8]", flops: 8, bytes: 96 },
];

/** A step of two threads, in milliseconds; `slow` times as long. */
function fakeProfile(start = 0, slow = 1, plan = kernels): StepProfile {
  const span = (kernel: number, lane: number, from: number, to: number) => ({
    ...{ kernel, lane },
    start: start + from * slow,
    end: start + to * slow,
  });
  return {
    kernels: plan,
    lanes: ["thread 1", "thread 2"],
    spans: [
      ...[span(0, 0, 0.1, 0.5), span(-1, 0, 0.5, 0.6), span(1, 0, 0.6, 0.7)],
      ...[span(2, 0, 0.7, 0.8), span(3, 0, 0.8, 0.9), span(-1, 0, 0.9, 0.9)],
      ...[span(0, 1, 0.1, 0.6), span(-1, 1, 0.6, 0.6), span(1, 1, 0.6, 0.7)],
      ...[span(2, 1, 0.7, 0.7), span(3, 1, 0.7, 0.7), span(-1, 1, 0.7, 0.9)],
    ],
    start,
    milliseconds: slow,
    host: 0.25,
  };
}

/** A run whose device is measured. */
class MeasuredRun extends FakeRun {
  measured = 0;
  constructor(readonly epochs: number = Infinity) {
    super();
  }
  ceilings(): Promise<Ceilings> {
    this.measured++;
    return Promise.resolve({ flops: 1e9, bytes: 5e8 });
  }
}

interface Told {
  readonly asked: number[];
  readonly alone: () => number[];
  step(number: number): Updated;
}

/** Steps that tell their profile when they are asked for it; some say there is none. */
function profiledSteps(run: FakeRun, answer = (_: number): StepProfile | null => fakeProfile()) {
  const made: Updated[] = [];
  const told: Told = {
    asked: [],
    alone: () => made.filter(({ frame }) => frame.alone).map(({ step }) => step),
    step: (number) => {
      const step = fakeStep(number, { run });
      made.push(step);
      Object.assign(step.frame, {
        alone: false,
        profile: (receive: ProfileReceiver) => {
          told.asked.push(number);
          receive(answer(number));
        },
      });
      return step;
    },
  };
  return told;
}

/** Runs `count` steps, before each of which `meanwhile` happens, and gives what was written. */
async function run(
  count: number,
  options: ProfileOptions = {},
  meanwhile = () => {},
  epochs = Infinity,
) {
  const writer = new FakeWriter();
  const owner = new MeasuredRun(epochs);
  const told = profiledSteps(owner);
  const pipe = from(source(count, told, owner)).pipe(
    tap(meanwhile),
    profile({ output: writer, ...options }),
  );
  const seen = await lastValueFrom(pipe.pipe(map(({ step }) => step), toArray()));
  assert.deepEqual(seen, Array.from({ length: count }, (_, index) => index + 1));
  return { text: writer.text, told, owner };
}

/** Steps of a source that waits for what each of them holds. */
async function* source(count: number, { step }: Told, { holds }: FakeRun): AsyncGenerator<Updated> {
  for (let number = 1; number <= count; number++) {
    yield step(number);
    await Promise.all(holds);
  }
}

Deno.test("profile times a window of steps after the warm-up, and only those", async () => {
  const { text, told, owner } = await run(20, { warmUp: 4, steps: 6 });
  assert.deepEqual(told.asked, [5, 6, 7, 8, 9, 10]);
  assert.deepEqual(told.alone(), [4, 5], "to measure the device, and for what it makes first");
  assert.equal(owner.measured, 1);
  assert.equal(owner.holds.length, 2, "only measuring and the end of the window are waited for");
  assert.match(text, /^Means of the 3 fastest of 6 steps on cpu: a processor, 2 threads; /);
  assert.equal(text.match(/Means/g)!.length, 1);
});

Deno.test("profile without warm-up", async () => {
  const { told } = await run(3, { warmUp: 0, steps: 1 });
  assert.deepEqual(told.asked, [1]);
});

Deno.test("by default profile times 50 steps after 50, once 0.1 s of steps have gone by", () =>
  withClock(async (clock) => {
    const [slowly, quickly] = [3, 0.5].map((time) => () => void (clock.now += time));
    const { told: slow } = await run(120, {}, slowly);
    assert.deepEqual([slow.asked[0], slow.asked.length], [51, 50]);
    const { told: fast } = await run(400, {}, quickly);
    assert.deepEqual([fast.asked[0], fast.asked.length], [202, 50]);
    for (const [count, first] of [[150, 101], [75, 51]]) {
      const { told: short } = await run(count, {}, quickly, count / 10);
      assert.deepEqual(short.asked[0], first, "else too few would be left of the run");
      assert.equal(short.asked.length, Math.min(50, count - 50));
    }
  }));

Deno.test("a run that ends before the window does writes what was timed", async () => {
  const { text, told } = await run(6, { warmUp: 2, steps: 50 });
  assert.equal(told.asked.length, 4);
  assert.match(text, /^Means of the 2 fastest of 4 steps/);
  const { text: none } = await run(6, { warmUp: 6 });
  assert.equal(
    none,
    "No step was profiled, as the run had 6 and 6 are for warming up: train longer, or give " +
      "profile a smaller warmUp\n",
  );
});

Deno.test("a stream that is left or fails writes what was timed", async () => {
  for (const how of ["take", "error"]) {
    const writer = new FakeWriter();
    const told = profiledSteps(new MeasuredRun());
    const steps = range(1, how === "take" ? 100 : 5).pipe(map(told.step));
    const failing = concat(steps, throwError(() => new Error("no more")));
    const pipe = failing.pipe(profile({ warmUp: 1, steps: 50, output: writer }), take(5 + 1));
    if (how === "take") await lastValueFrom(pipe);
    else await assert.rejects(lastValueFrom(pipe), /no more/);
    assert.match(writer.text, /^Means of the \d fastest of [45] steps/, how);
  }
});

Deno.test("steps without anything to compute are no obstacle", async () => {
  const writer = new FakeWriter();
  const owner = new MeasuredRun();
  const told = profiledSteps(owner, () => null);
  const steps = range(1, 9).pipe(map(told.step));
  await lastValueFrom(steps.pipe(profile({ warmUp: 2, steps: 3, output: writer })));
  await Promise.all(owner.holds);
  assert.match(writer.text, /^No step was profiled/);
});

Deno.test("profile lets steps through at their time, by marbles", () => {
  new TestScheduler((actual, expected) => assert.deepEqual(actual, expected)).run(
    ({ cold, expectObservable, expectSubscriptions }) => {
      const told = profiledSteps(new MeasuredRun());
      const values = { a: told.step(1), b: told.step(2), c: told.step(3) };
      const above = cold("-a-b-c-|", values);
      const pipe = above.pipe(profile({ warmUp: 0, steps: 2, output: new FakeWriter() }));
      expectObservable(pipe).toBe("-a-b-c-|", values);
      expectSubscriptions(above.subscriptions).toBe("^------!");
    },
  );
});

Deno.test("options are checked, and a writer that fails ends the run", async () => {
  assert.throws(() => profile({ warmUp: -1 }), /the warmUp of profile .* from 0: received -1/);
  assert.throws(() => profile({ steps: 0 }), /the steps of profile .* from 1: received 0/);
  const writer = new FakeWriter();
  writer.failure = new Error("the pipe is closed");
  const owner = new MeasuredRun();
  const steps = from(source(5, profiledSteps(owner), owner));
  const profiled = steps.pipe(profile({ warmUp: 1, steps: 2, output: writer }));
  await assert.rejects(lastValueFrom(profiled), /the pipe is closed/);
});

Deno.test("the summary adds up: kernels, waiting, dispatch and host are the step", () => {
  const slow = { ...fakeProfile(50, 3), host: 0.35 };
  const other = fakeProfile(9, 0.1, [...kernels]);
  const profiles = [fakeProfile(), fakeProfile(10), slow, other];
  const summary = summarize(profiles.map((known, index) => ({ step: index + 1, profile: known })));
  assert.deepEqual([summary.profiled, summary.averaged], [4, 2], "another plan is left out");
  const near = (actual: number | null, expected: number) =>
    assert.ok(Math.abs(actual! - expected) < 1e-6, `${actual} is not ${expected}`);
  assert.deepEqual(summary.kernels.map(({ name, calls }) => [name, calls]), [
    ["matmul [2,3]×[3,4] (dense_1)", 1],
    ["add [8]", 2],
    ["copy [8]", 1],
  ]);
  const [product, sum, copy] = summary.kernels;
  // (400 + 500) / 2 µs on two threads; the adds ran on one of them.
  near(product.microseconds, 450);
  near(sum.microseconds, 100);
  near(copy.microseconds, 100);
  assert.deepEqual([sum.flops, sum.bytes], [16, 192]);
  near(summary.waiting, 150);
  near(summary.dispatch, 200);
  near(summary.host, 250);
  near(summary.step, 1250);
});

Deno.test("the table", () => {
  const summary = summarize([{ step: 1, profile: fakeProfile() }]);
  const device = { type: "cpu", name: "a processor", threads: 2 };
  const table = profileTable(summary, device, { flops: 1e9, bytes: 5e8 });
  assert.equal(
    table,
    `\
Means of the 1 fastest of 1 steps on cpu: a processor, 2 threads; at most 1.0 GFLOP/s and 0.5 GB/s were measured
kernel                        calls  µs a step  % of step  GFLOP/s  % of peak  GB/s  % of memory
────────────────────────────  ─────  ─────────  ─────────  ───────  ─────────  ────  ───────────
matmul [2,3]×[3,4] (dense_1)      1      450.0       36.0      0.1       10.7   0.0          1.8
add [8]                           2      100.0        8.0      0.0        0.0   0.0          0.4
copy [8]                          1      100.0        8.0                       0.0          2.0
────────────────────────────  ─────  ─────────  ─────────  ───────  ─────────  ────  ───────────
all kernels                       4      650.0       52.0      0.1        7.4   0.0          1.6
waiting for other threads                150.0       12.0
dispatch                                 200.0       16.0
host, between steps                      250.0       20.0
step                                    1250.0      100.0
`,
  );
  const bare = profileTable(summary, { ...device, type: "webgpu" }, undefined);
  assert.match(bare, /^Means of the 1 fastest of 1 steps on webgpu: a processor\n/);
  const long = kernels.map((kernel) => ({ ...kernel, name: `${"a + ".repeat(40)}b [7] (last)` }));
  const cut = profileTable(
    summarize([{ step: 1, profile: fakeProfile(0, 1, long) }]),
    device,
    undefined,
  );
  assert.match(cut, /\na \+ a [^\n]*…[^\n]*b \[7\] \(last\) {2,}4 /);
});

Deno.test("the trace is a whole file when the stream completes, early or late", async () => {
  await inFolder(async (folder) => {
    for (const count of [5, 20]) {
      const trace = `${folder}/${count}.json`;
      const { told } = await run(count, { warmUp: 2, steps: 6, trace });
      const { traceEvents } = JSON.parse(await Deno.readTextFile(trace));
      const whole = traceEvents.filter(({ cat }: { cat: string }) => cat === "step");
      assert.equal(whole.length, 2 * told.asked.length, "a step in each thread's row");
    }
    assert.deepEqual(names(folder), ["20.json", "5.json"], "no temporary file is left");
  });
});

Deno.test("a trace that cannot be written fails the run, with the file named", async () => {
  const trace = "no-such-folder/trace.json";
  await assert.rejects(run(4, { warmUp: 1, steps: 9, trace }), /no-such-folder/);
  await assert.rejects(run(9, { warmUp: 1, steps: 3, trace }), /no-such-folder/);
});
