/** Requests that wait for one another: each is answered, in order, together where they can be. */
import assert from "node:assert/strict";
import { RequestQueue } from "../../../core/stream/request_queue.ts";

interface Sum {
  readonly samples: number;
  readonly value: number;
}

/** A queue that doubles values, and what it was asked to double at once. */
function doubling(most: number) {
  const batches: number[][] = [];
  const queue = new RequestQueue<Sum, number>(most, (requests) => {
    const values = requests.map(({ value }) => value);
    batches.push(values);
    if (values.includes(0)) return Promise.reject(new Error("0 is not doubled"));
    return Promise.resolve(values.map((value) => 2 * value));
  });
  const ask = (value: number, samples = 1) => queue.add({ samples, value });
  return { queue, batches, ask };
}

Deno.test("a request that comes at any moment of another one's end is answered", async () => {
  for (let moments = 0; moments < 30; moments++) {
    const { queue, ask } = doubling(4);
    const first = ask(1);
    // Promises alone lie between the two: no event would wake a queue that has gone to sleep.
    for (let moment = 0; moment < moments; moment++) await null;
    const second = ask(2);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise((resolve) => timer = setTimeout(resolve, 1000, "not answered"));
    assert.equal(await Promise.race([second, late]), 4, `asked ${moments} moments after the first`);
    clearTimeout(timer);
    assert.equal(await first, 2);
    await queue.end();
  }
});

Deno.test("requests of one turn are answered together, in order, as many as fit", async () => {
  const { queue, batches, ask } = doubling(4);
  const asked = [ask(1, 2), ask(2, 1), ask(3, 3), ask(4, 1), ask(5, 4)];
  assert.deepEqual(await Promise.all(asked), [2, 4, 6, 8, 10]);
  assert.deepEqual(batches, [[1, 2], [3, 4], [5]]);
  await queue.end();
});

Deno.test("a failure is that of the requests it was computed with, and the queue goes on", async () => {
  const { queue, ask } = doubling(2);
  const settled = await Promise.allSettled([ask(1), ask(0), ask(3)]);
  assert.deepEqual(settled.map(({ status }) => status), ["rejected", "rejected", "fulfilled"]);
  assert.equal(await ask(4), 8);
  await queue.end();
});

Deno.test("who asks while others are computed waits for them, and the end for all", async () => {
  const events: string[] = [];
  const queue = new RequestQueue<Sum, number>(4, async (requests) => {
    const values = requests.map(({ value }) => value);
    events.push(`begins ${values}`);
    await new Promise((resolve) => setTimeout(resolve));
    events.push(`ends ${values}`);
    return values;
  });
  const ask = (value: number) => void queue.add({ samples: 1, value });
  ask(1);
  await null;
  await null;
  ask(2);
  ask(3);
  await queue.end();
  assert.deepEqual(events, ["begins 1", "ends 1", "begins 2,3", "ends 2,3"]);
});
