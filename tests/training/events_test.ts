/** Long work on the CPU leaves timers, signals and messages their turns, and ends when it is left. */
import assert from "node:assert/strict";
import { lastValueFrom, type Observable, tap } from "rxjs";
import {
  backward,
  dense,
  embedding,
  epochs,
  evaluate,
  forward,
  generate,
  input,
  loss,
  meanSquaredError,
  miniBatches,
  predictions,
  sequential,
  sgd,
  takeFirst,
  update,
} from "../../mod.ts";
import { TestCpu } from "../core/cpu/test_cpu.ts";

const [samples, features, batchSize] = [2560, 512, 256];
const device = "cpu";
const threads = 1;

/** Several batches of some 20 ms each. */
const many = {
  x: {
    data: Float32Array.from({ length: samples * features }, (_, place) => Math.sin(place)),
    shape: [samples, features],
  },
  y: {
    data: Float32Array.from({ length: samples }, (_, place) => Math.cos(place)),
    shape: [samples, 1],
  },
};
const few = takeFirst(many, 1);

function wide() {
  return sequential([
    input([features]),
    dense(1024, { activation: "relu" }),
    dense(1024, { activation: "relu" }),
    dense(1),
  ], { seed: 1 });
}

/** A pipe whose one step is short, and whose validation is long. */
function validated(cpu: TestCpu) {
  return miniBatches(few, { device: cpu }).pipe(
    forward(wide()),
    loss(meanSquaredError()),
    backward(),
    update(sgd()),
    epochs({ validation: many, validationBatchSize: batchSize }),
  );
}

/** Turns that timers have from now until `work` is over. */
async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  await work();
  clearInterval(timer);
  return turns;
}

/** Subscribes; the function it gives leaves the stream, at the next turn of a timer. */
function subscribed(stream: Observable<unknown>): { leave(): void; left: Promise<void> } {
  const { promise: left, resolve, reject } = Promise.withResolvers<void>();
  const subscription = stream.subscribe({
    error: reject,
    complete: () => reject(new Error("over")),
  });
  const leave = () =>
    setTimeout(() => {
      subscription.unsubscribe();
      resolve();
    });
  return { leave, left };
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 200));

const generator = sequential([
  input([60]),
  embedding(50, 1024),
  dense(1024, { activation: "relu" }),
  dense(1024, { activation: "relu" }),
  dense(50),
], { seed: 2 });
const prompts = Array.from({ length: 48 }, (_, place) => [place]);

const works: Record<string, () => Promise<unknown>> = {
  "evaluate": () =>
    evaluate(wide(), many, { loss: meanSquaredError(), batchSize, device, threads }),
  "predictions": () => lastValueFrom(predictions(wide(), many.x, { batchSize, device, threads })),
  "generate": () => lastValueFrom(generate(generator, prompts, { device, threads })),
  "validation": async () => {
    using cpu = new TestCpu(1);
    await lastValueFrom(validated(cpu));
  },
};

for (const [name, work] of Object.entries(works)) {
  Deno.test(`${name}: timers have their turns while it computes`, async () => {
    const turns = await turnsDuring(work);
    assert(turns >= 3, `${turns} turns`);
  });
}

Deno.test("whoever leaves in the middle of a validation ends it", async () => {
  using cpu = new TestCpu(1);
  let runs = 0;
  const prepare = cpu.prepare.bind(cpu);
  cpu.prepare = (...given) => {
    const executable = prepare(...given);
    const run = executable.run.bind(executable);
    executable.run = (values) => {
      if (++runs === 3) stream.leave();
      return run(values);
    };
    return executable;
  };
  const stream = subscribed(validated(cpu));
  await stream.left;
  const then = runs;
  await pause();
  assert(then < 1 + samples / batchSize, `${then} runs`);
  assert.equal(runs, then);
});

Deno.test("whoever leaves predictions in the middle gets no more of them", async () => {
  let seen = 0;
  const batches = predictions(wide(), many.x, { batchSize, device, threads });
  const stream = subscribed(batches.pipe(tap(() => {
    if (++seen === 2) stream.leave();
  })));
  await stream.left;
  const then = seen;
  await pause();
  assert(then < samples / batchSize, `${then} batches`);
  assert.equal(seen, then);
});
