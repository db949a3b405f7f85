import assert from "node:assert/strict";
import { Observable } from "rxjs";
import { type MeasuredStep, runByWindows } from "./stream_windows.ts";

/** A source with permits: each step gives its permit back when what it holds has settled. */
function source(permits: number, emitted: { count: number }): Observable<MeasuredStep> {
  return new Observable((subscriber) => {
    const lane = async () => {
      while (!subscriber.closed) {
        const held: Promise<unknown>[] = [];
        const loss = ++emitted.count;
        subscriber.next({
          loss: { data: () => Promise.resolve([loss]) },
          hold: (promise) => void held.push(promise),
        });
        await Promise.all(held);
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
    };
    for (let index = 0; index < permits; index++) lane();
    return () => {};
  });
}

for (const permits of [1, 4]) {
  Deno.test(`windows end at their last step and run at most ${permits - 1} steps ahead`, async () => {
    const emitted = { count: 0 };
    const prepared = runByWindows(source(permits, emitted));
    for (const [first, count] of [[0, 1], [1, 9], [10, 20], [30, 20]]) {
      assert.equal(await prepared.run(first, count), first + count);
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.equal(emitted.count, first + count + permits - 1);
    }
  });
}

Deno.test("an error of the stream ends the window", async () => {
  const prepared = runByWindows(
    new Observable((subscriber) => subscriber.error(new Error("no kernel"))),
  );
  await assert.rejects(prepared.run(0, 1), /no kernel/);
});
