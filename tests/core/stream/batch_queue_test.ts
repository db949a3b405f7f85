/** Batches that are asked for, or sent, one by one, and who is told of the end. */
import assert from "node:assert/strict";
import { Subject } from "rxjs";
import { BatchQueue } from "../../../core/stream/batch_queue.ts";

Deno.test("who waits for a value that is sent gets it, and nothing once the queue is closed", async () => {
  const sent = new Subject<number>();
  const queue = new BatchQueue(sent, 2);
  queue.open();
  const first = queue.next();
  sent.next(1);
  assert.deepEqual(await first, { value: 1 });
  const second = queue.next();
  queue.close();
  assert.equal(await second, undefined);
  assert.equal(sent.observed, false);
});

Deno.test("what has been sent and not asked for goes with the queue", async () => {
  const sent = new Subject<number>();
  const queue = new BatchQueue(sent, 2);
  queue.open();
  sent.next(1);
  queue.close();
  assert.equal(await queue.next(), undefined);
});

Deno.test("an observable that sends more than may wait is left, and who asks next is told", async () => {
  const sent = new Subject<number>();
  const queue = new BatchQueue(sent, 2);
  queue.open();
  for (const value of [1, 2, 3]) sent.next(value);
  assert.equal(sent.observed, false);
  await assert.rejects(queue.next(), /Cannot keep more than 2 batches waiting/);
});

Deno.test("an iterator is asked until its end or until the queue is closed, and left once", async () => {
  const events: string[] = [];
  const counting = (end: number): AsyncIterable<number> => ({
    [Symbol.asyncIterator]() {
      let value = 0;
      return {
        next: () => {
          events.push("next");
          if (value === end) return Promise.resolve({ done: true, value: undefined });
          // The second one never comes.
          return value++ === 0 ? Promise.resolve({ value }) : new Promise(() => {});
        },
        return: () => {
          events.push("return");
          return Promise.resolve({ done: true, value: undefined });
        },
      };
    },
  });
  const ending = new BatchQueue(counting(1), 2);
  ending.open();
  assert.deepEqual(await ending.next(), { value: 1 });
  assert.equal(await ending.next(), undefined);
  assert.equal(await ending.next(), undefined);
  ending.close();
  assert.deepEqual(events.splice(0), ["next", "next"]);
  const closed = new BatchQueue(counting(3), 2);
  closed.open();
  assert.deepEqual(await closed.next(), { value: 1 });
  const waiting = closed.next();
  closed.close();
  closed.close();
  assert.equal(await waiting, undefined);
  assert.equal(await closed.next(), undefined);
  assert.deepEqual(events, ["next", "next", "return"]);
});
