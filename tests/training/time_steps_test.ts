import assert from "node:assert/strict";
import type { Device, Executable } from "../../core/graph/device.ts";
import { timeSteps } from "../../core/stream/time_steps.ts";
import { withClock } from "../clock.ts";

/**
 * What a step is timed to be on a device that works on a clock of its own: step number i takes
 * `step(i)` milliseconds, and to wait for it takes `wait` more.
 */
function timed(step: (number: number) => number, wait = 0, little?: number) {
  return withClock(async (clock) => {
    let count = 0;
    const executable = { run: () => void (clock.now += step(count++)) };
    const device = { stepsInFlight: 1, idle: () => Promise.resolve(void (clock.now += wait)) };
    const time = await timeSteps(executable as unknown as Executable, [], device as Device, little);
    return { time, count, took: clock.now };
  });
}

function assertNear(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) < 1e-9 * expected, `${actual}, expected ${expected}`);
}

Deno.test("a step is timed without the wait at the end of a window", async () => {
  for (const step of [0.001, 0.2, 3, 80, 300]) {
    for (const wait of [0, 11]) {
      assertNear((await timed(() => step, wait)).time, step + (step > 100 ? wait : 0));
    }
  }
});

Deno.test("a step is timed once its kernels are compiled for speed", async () => {
  // The first steps take five times as long.
  assertNear((await timed((number) => number < 90 ? 1 : 0.2)).time, 0.2);
  assertNear((await timed((number) => number < 3 ? 200 : 40)).time, 40);
});

Deno.test("steps are timed for about half a second at most, and no longer than it matters", async () => {
  // Ever faster: it never settles.
  const restless = await timed((number) => 1000 / (number + 100));
  assert.ok(restless.took < 700, `${restless.took} ms`);
  const short = await timed(() => 0.2, 0, 0.5);
  assert.equal(short.count, 2, "a step below `little` is not timed again");
  const soon = await timed((number) => number < 10 ? 1 : 0.2, 0, 0.5);
  assert.equal(soon.count, 1 + 1 + 4 + 16, "the first window whose steps are below it is the last");
  const later = await timed((number) => number < 90 ? 1 : 0.2, 0, 0.5);
  const settling = await timed((number) => number < 90 ? 1 : 0.2);
  assert.ok(later.time < 0.5 && later.count < settling.count, `${later.count} steps`);
});
