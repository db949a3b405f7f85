/** The source waits for whoever holds a step; ends, errors and bad data free everything. */
import assert from "node:assert/strict";
import {
  asyncScheduler,
  delay,
  lastValueFrom,
  map,
  observeOn,
  Subject,
  take,
  takeUntil,
  tap,
  toArray,
} from "rxjs";
import {
  backward,
  type DataSet,
  dense,
  DisposedError,
  epochs,
  forward,
  input,
  loss,
  miniBatches,
  type Model,
  NonFiniteError,
  sequential,
  sgd,
  update,
} from "../../mod.ts";
import { TestCpu } from "../core/cpu/test_cpu.ts";
import { deviceTest } from "./devices.ts";
import { crossentropy, onePole, points, smallModel, steps, weightsOf } from "./pipes.ts";

const cpu = { device: "cpu", threads: 1 } as const;
/** A network whose activation hides no infinity, as tanh does. */
const open = () =>
  sequential([input([2]), dense(8, { activation: "relu" }), dense(3)], { seed: 5 });
const later = (milliseconds: number) =>
  new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

Deno.test("a consumer that takes 50 ms an epoch event does not make the queue grow", async () => {
  const data = points(320);
  let produced = 0, consumed = 0, ahead = 0;
  const pipe = steps(smallModel(), data, sgd(), { batchSize: 32, epochs: 6, ...cpu }).pipe(
    tap(() => ahead = Math.max(ahead, ++produced - 10 * consumed)),
    epochs(),
    tap((epoch) => epoch.hold(later(50).then(() => void consumed++))),
  );
  const started = performance.now();
  await lastValueFrom(pipe);
  assert.ok(performance.now() - started >= 6 * 50);
  assert.deepEqual([produced, consumed], [60, 6]);
  assert.equal(ahead, 10, "no step of an epoch is sent while the last event is held");
});

Deno.test("a step that is held holds the next one back", async () => {
  const events: string[] = [];
  const pipe = steps(smallModel(), points(96), sgd(), { batchSize: 32, ...cpu }).pipe(
    tap(({ step, hold: _ }) => void events.push(`step ${step}`)),
    tap((step) => step.hold(later(5).then(() => void events.push(`held ${step.step}`)))),
  );
  await lastValueFrom(pipe);
  assert.deepEqual(events, ["step 1", "held 1", "step 2", "held 2", "step 3", "held 3"]);
});

Deno.test("completion waits for the last hold", async () => {
  let settled = false;
  const pipe = steps(smallModel(), points(32), sgd(), { batchSize: 32, ...cpu })
    .pipe(tap((step) => step.hold(later(20).then(() => settled = true))));
  await lastValueFrom(pipe);
  assert.ok(settled);
});

Deno.test("a long run lets timers fire: training does not starve the program", async () => {
  let ticks = 0;
  const timer = setInterval(() => ticks++, 5);
  const pipe = steps(smallModel(), points(640), sgd(), { batchSize: 8, epochs: 300, ...cpu });
  await lastValueFrom(pipe);
  clearInterval(timer);
  assert.ok(ticks >= 2, `${ticks} ticks`);
});

/** What a run on a device leaves behind, however it ends. */
async function ends(
  title: string,
  run: (device: TestCpu, model: Model) => Promise<void>,
  make: () => Model = smallModel,
): Promise<void> {
  using device = new TestCpu(1);
  // Compiled loops stay with the device, so a first run compiles them all.
  await run(device, make());
  await later(5);
  const before = device.memory.allocatedBytes;
  const model = make();
  const first = await weightsOf(model);
  await run(device, model);
  await later(5);
  assert.equal(device.memory.allocatedBytes, before, `${title}: memory is left behind`);
  assert.notDeepEqual(await weightsOf(model), first, `${title}: weights did not come back`);
  assert.ok(model.parameters.every(({ value }) => value.every(Number.isFinite)));
}

Deno.test("unsubscribing in the middle of an epoch frees everything and gives weights back", () =>
  ends("unsubscribed", async (device, model) => {
    const pipe = steps(model, points(100), sgd(), { batchSize: 10, epochs: Infinity, device });
    let seen = 0;
    await new Promise<void>((resolve) => {
      const subscription = pipe.subscribe((step) => {
        seen = step.step;
        step.hold(later(1));
        if (step.step === 14) resolve();
      });
      void later(0).then(async () => {
        while (seen < 14) await later(1);
        subscription.unsubscribe();
      });
    });
    await later(10);
    const stopped = seen;
    await later(20);
    assert.equal(seen, stopped, "no step after the end");
  }));

Deno.test("a run that is left at any moment of its start leaves nothing on the device", async () => {
  using device = new TestCpu(1);
  const before = device.memory.allocatedBytes;
  for (let moments = 0; moments < 12; moments++) {
    const pipe = steps(smallModel(), points(100), sgd(), { batchSize: 10, device });
    const subscription = pipe.subscribe();
    for (let moment = 0; moment < moments; moment++) await null;
    subscription.unsubscribe();
    await later(2);
    assert.equal(device.memory.allocatedBytes, before, `left after ${moments} moments`);
  }
});

Deno.test("takeUntil ends a run that would not end", () =>
  ends("taken until", async (device, model) => {
    const stop = new Subject<void>();
    const pipe = steps(model, points(100), sgd(), { batchSize: 10, epochs: Infinity, device });
    // Far enough that all plans have been made, also where the machine is busy.
    const told = pipe.pipe(
      tap(({ step }) => void (step === 25 && later(1).then(() => stop.next()))),
    );
    const seen = await lastValueFrom(told.pipe(takeUntil(stop), toArray()));
    assert.ok(seen.length >= 25);
  }));

Deno.test("take(5) trains five steps, no more and no fewer", async () => {
  const { model, data, loss: squares } = onePole();
  const pipe = steps(model, data, sgd({ learningRate: 0.25 }), { epochs: 50, ...cpu }, squares);
  await lastValueFrom(pipe.pipe(take(5)));
  assert.equal(model.parameters[0].value[0], 2 ** -5);
});

Deno.test("what was read in the last step of a run that ends is answered, not left waiting", async () => {
  const { model, data, loss: squares } = onePole();
  let read: Promise<unknown> = Promise.resolve();
  const pipe = steps(model, data, sgd(), { epochs: 9, ...cpu }, squares);
  await lastValueFrom(pipe.pipe(tap((step) => read = step.outputs.data()), take(1)));
  const answer = read.then(() => "answered", () => "refused");
  const waited = later(50).then(() => "left waiting");
  assert.notEqual(await Promise.race([answer, waited]), "left waiting");
  await waited;
});

Deno.test("an error in a user's operator arrives on the error channel, with everything freed", () =>
  ends("user error", async (device, model) => {
    const pipe = steps(model, points(100), sgd(), { batchSize: 10, device }).pipe(
      map((step) => {
        if (step.step === 4) throw new Error("mine");
        return step;
      }),
    );
    await assert.rejects(lastValueFrom(pipe), /mine/);
  }));

Deno.test("an error in a held promise arrives on the error channel, with everything freed", () =>
  ends("held error", async (device, model) => {
    const pipe = steps(model, points(100), sgd(), { batchSize: 10, device }).pipe(
      tap((step) => step.hold(step.step === 4 ? Promise.reject(new Error("held")) : later(0))),
    );
    await assert.rejects(lastValueFrom(pipe), /held/);
  }));

Deno.test("an error in a held epoch event arrives on the error channel, with everything freed", () =>
  ends("held epoch", async (device, model) => {
    const pipe = steps(model, points(100), sgd(), { batchSize: 10, epochs: 3, device }).pipe(
      epochs({ validation: points(20) }),
      tap((epoch) => epoch.hold(later(1).then(() => Promise.reject(new Error("disk full"))))),
    );
    await assert.rejects(lastValueFrom(pipe), /disk full/);
  }));

for (
  const [name, operator] of [
    ["delay", <Step>() => delay<Step>(1)],
    ["observeOn", <Step>() => observeOn<Step>(asyncScheduler)],
  ] as const
) {
  Deno.test(`a step that ${name} holds up is refused with what to do`, async () => {
    using device = new TestCpu(1);
    const pipe = miniBatches(points(50), { batchSize: 10, device }).pipe(
      forward(smallModel()),
      operator(),
      loss(crossentropy),
      backward(),
      update(sgd()),
    );
    await assert.rejects(lastValueFrom(pipe), (error: Error) => {
      assert.ok(error instanceof DisposedError, String(error));
      assert.match(error.message, /step \d+ .*synchronous \(no delay, observeOn, concatMap/);
      return true;
    });
  });
}

/** Points of which the one in row 25 is `value`. */
function spoiled(value: number): DataSet {
  const data = points(50);
  const numbers = Float32Array.from(data.x.data as Float32Array);
  numbers[2 * 25] = value;
  return { ...data, x: { ...data.x, data: numbers } };
}

for (const value of [NaN, Infinity]) {
  Deno.test(`${value} in the data stops the run with step and layer, and keeps weights finite`, () =>
    ends(`${value}`, async (device, model) => {
      const settings = { batchSize: 10, epochs: 4, shuffle: false, device };
      const pipe = steps(model, spoiled(value), sgd(), settings).pipe(epochs());
      await assert.rejects(lastValueFrom(pipe), (error: Error) => {
        assert.ok(error instanceof NonFiniteError, String(error));
        assert.equal(error.step, 3);
        assert.equal(error.layer, "dense_1");
        assert.match(error.message, /loss is .* at step 3/);
        return true;
      });
    }, open));
}

await deviceTest("NaN in the data stops the run, whatever activation it meets", async (device) => {
  for (const activation of ["relu", "tanh"] as const) {
    const model = sequential([input([2]), dense(8, { activation }), dense(3)], { seed: 5 });
    const settings = { batchSize: 10, shuffle: false, device };
    const pipe = steps(model, spoiled(NaN), sgd(), settings).pipe(epochs());
    await assert.rejects(lastValueFrom(pipe), NonFiniteError, activation);
  }
});
