/** Permits for steps under way: when the next step waits, and what it is told when one has failed. */
import assert from "node:assert/strict";
import { Permits } from "../../../core/stream/permits.ts";

/** Promises that a test settles by hand. */
const holds = (count: number) => Array.from({ length: count }, () => Promise.withResolvers<void>());

/** Whether a promise has settled when all that could do so by itself has run. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  promise.then(() => settled = true, () => settled = true);
  await new Promise((resolve) => setTimeout(resolve));
  return settled;
}

Deno.test("a permit is free when all holds of its step have settled, and more may be given out", async () => {
  let count = 2;
  const permits = new Permits(() => count);
  const [first, second, third] = holds(3);
  permits.take([first.promise, second.promise]);
  permits.take([]);
  assert.equal(permits.exhausted, false);
  permits.take([third.promise]);
  assert.equal(permits.exhausted, true);
  count = 3;
  assert.equal(permits.exhausted, false);
  count = 2;
  const one = permits.wait();
  first.resolve();
  assert.equal(await isSettled(one), false);
  second.resolve();
  await one;
  assert.equal(permits.exhausted, false);
  const all = permits.waitForAll();
  assert.equal(await isSettled(all), false);
  third.resolve();
  await all;
});

Deno.test("a hold that fails ends every wait with the first error, whatever else is held", async () => {
  const permits = new Permits(() => 4);
  const [first, second, never] = holds(3);
  for (const { promise } of [first, second, never]) permits.take([promise]);
  const batch = permits.unlessFailed(new Promise(() => {}));
  first.reject(new Error("first"));
  await assert.rejects(batch, { message: "first" });
  second.reject(new Error("second"));
  await assert.rejects(permits.waitForAll(), { message: "first" });
  assert.equal(permits.exhausted, true, "the next step is not made");
  await assert.rejects(permits.unlessFailed(new Promise(() => {})), { message: "first" });
  permits.open();
  await permits.waitForAll();
});

Deno.test("once the run is over nobody waits, and what fails then is nobody's error", async () => {
  const permits = new Permits(() => 1);
  const [never, late] = holds(2);
  for (const { promise } of [never, late]) permits.take([promise]);
  const all = permits.waitForAll();
  assert.equal(await isSettled(all), false);
  permits.open();
  await all;
  late.reject(new Error("too late"));
  assert.equal(await isSettled(late.promise), true);
  await permits.wait();
});
