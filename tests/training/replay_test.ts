/** What changes between steps takes effect after replay began; nothing is baked into a plan. */
import assert from "node:assert/strict";
import {
  BehaviorSubject,
  lastValueFrom,
  type Observable,
  share,
  startWith,
  Subject,
  tap,
  toArray,
} from "rxjs";
import {
  dropout,
  epochs,
  hyperparameter,
  input,
  meanSquaredError,
  type Optimizer,
  predict,
  sequential,
  sgd,
  type Updated,
} from "../../mod.ts";
import { TestCpu } from "../core/cpu/test_cpu.ts";
import { devicesOf } from "./devices.ts";
import { lossesOf, onePole, points, smallModel, steps, weightsOf } from "./pipes.ts";

const cpu = { device: "cpu", threads: 1 } as const;
const devices = await devicesOf("reference", "cpu, 1", "webgpu");

/** Losses of {@link onePole} when step t is taken at `rates[t]`: w² before it. */
function expectedLosses(rates: readonly number[]): number[] {
  let weight = 1;
  return rates.map((rate) => {
    const loss = weight * weight;
    weight *= 1 - 2 * rate;
    return loss;
  });
}

function assertLosses(actual: readonly number[], rates: readonly number[]): void {
  const expected = expectedLosses(rates);
  assert.equal(actual.length, expected.length);
  actual.forEach((value, step) => {
    const close = Math.abs(value - expected[step]) <= 1e-5 * expected[step];
    assert.ok(close, `step ${step + 1}: ${value} for ${expected[step]}`);
  });
}

/** A run of `count` steps of {@link onePole}, one an epoch. */
function run(optimizer: Optimizer, count: number, options = {}): Observable<Updated> {
  const { model, data, loss } = onePole();
  return steps(model, data, optimizer, { epochs: count, ...cpu, ...options }, loss);
}

for (const { name, options } of devices) {
  Deno.test(`a hyperparameter changed after replay began takes effect [${name}]`, async () => {
    const learningRate = hyperparameter(0.1);
    const rates: number[] = [];
    // The step itself takes the new number: it is sent once its operators have returned.
    const pipe = run(sgd({ learningRate }), 12, options).pipe(tap(({ step }) => {
      if (step === 4) learningRate.next(0.25);
      if (step === 9) learningRate.next(0.01);
      rates.push(learningRate.value);
    }));
    assertLosses(await lossesOf(pipe), [...rates]);
    assert.deepEqual([...new Set(rates)], [0.1, 0.25, 0.01]);
  });
}

Deno.test("a stream of numbers changed after replay began takes effect, and is left at the end", async () => {
  const learningRate = new BehaviorSubject(0.1);
  const pipe = run(sgd({ learningRate }), 8)
    .pipe(tap(({ step }) => step === 5 && learningRate.next(0.2)));
  assertLosses(await lossesOf(pipe), [0.1, 0.1, 0.1, 0.1, 0.2, 0.2, 0.2, 0.2]);
  assert.equal(learningRate.observed, false);
});

Deno.test("a schedule is asked for iteration 0 at the first step", async () => {
  const asked: number[] = [];
  const learningRate = (iteration: number) => {
    asked.push(iteration);
    return 0.1 / (1 + iteration);
  };
  const losses = await lossesOf(run(sgd({ learningRate }), 6));
  assert.deepEqual([...new Set(asked)], [0, 1, 2, 3, 4, 5]);
  assertLosses(losses, [0, 1, 2, 3, 4, 5].map((iteration) => 0.1 / (1 + iteration)));
});

Deno.test("the learning rate that is logged is the one that was used", async () => {
  const used: number[] = [];
  const learningRate = (iteration: number) => {
    const rate = 0.1 * 0.5 ** iteration;
    used.push(rate);
    return rate;
  };
  const events = await lastValueFrom(
    run(sgd({ learningRate }), 4).pipe(tap(() => used.splice(0)), epochs(), toArray()),
  );
  assert.deepEqual(events.map(({ logs }) => logs.learning_rate), [0.1, 0.05, 0.025, 0.0125]);
});

Deno.test("a hot stream of rates is listened to once, and logged as it is", async () => {
  const source = new Subject<number>();
  let listeners = 0;
  const learningRate = source.pipe(startWith(0.1), tap({ subscribe: () => listeners++ }));
  const pipe = run(sgd({ learningRate }), 4)
    .pipe(tap(({ step }) => step === 2 && source.next(0.2)), epochs(), toArray());
  const events = await lastValueFrom(pipe);
  assert.deepEqual(events.map(({ logs }) => logs.learning_rate), [0.1, 0.2, 0.2, 0.2]);
  assert.equal(listeners, 1);
});

Deno.test("a shared stream of rates, which gives its first number once, is enough for a run", async () => {
  const slider = new Subject<number>();
  const learningRate = slider.pipe(startWith(0.1), share());
  const pipe = run(sgd({ learningRate }), 3).pipe(epochs(), toArray());
  const events = await lastValueFrom(pipe);
  assert.deepEqual(events.map(({ logs }) => logs.learning_rate), [0.1, 0.1, 0.1]);
});

Deno.test("a run that fails leaves no rejection behind that nobody could catch", async () => {
  const left: unknown[] = [];
  const listen = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    left.push(event.reason);
  };
  addEventListener("unhandledrejection", listen);
  const values: Promise<unknown>[] = [];
  const pipe = run(sgd({ learningRate: 0.1 }), 9).pipe(tap((step) => {
    values.push(step.values());
    if (step.step === 3) throw new Error("mine");
  }));
  await assert.rejects(lastValueFrom(pipe), /mine/);
  await new Promise((resolve) => setTimeout(resolve, 20));
  removeEventListener("unhandledrejection", listen);
  assert.deepEqual(left.map(String), []);
});

Deno.test("a stream that fails, ends the run; one without a number yet is refused with advice", async () => {
  const broken = new BehaviorSubject(0.1);
  const pipe = run(sgd({ learningRate: broken }), 9)
    .pipe(tap(({ step }) => step === 3 && broken.error(new Error("the knob came off"))));
  await assert.rejects(lossesOf(pipe), /the knob came off/);
  await assert.rejects(lossesOf(run(sgd({ learningRate: new Subject() }), 2)), /startWith/);
});

Deno.test("a rate out of range is refused as it comes, by name", async () => {
  const learningRate = hyperparameter(0.1);
  const pipe = run(sgd({ learningRate }), 9)
    .pipe(tap(({ step }) => step === 3 && learningRate.next(-1)));
  await assert.rejects(lossesOf(pipe), /learning_rate.*received -1/);
});

Deno.test("a dropout rate changed after replay began takes effect", async () => {
  const rate = hyperparameter(0.5);
  const model = sequential([input([50]), dropout(rate)]);
  const ones = { data: new Float32Array(50).fill(1), shape: [1, 50] };
  const data = { x: ones, y: { data: new Float32Array(50), shape: [1, 50] } };
  const pipe = steps(model, data, sgd(), { epochs: 6, ...cpu }, meanSquaredError())
    .pipe(tap(({ step }) => rate.next([0.5, 0.5, 0, 0, 1, 1][step - 1])));
  const losses = await lossesOf(pipe);
  assert.deepEqual(losses.slice(2), [1, 1, 0, 0]);
  assert.ok(losses[0] > 1 && losses[1] > 1);
});

Deno.test("changing numbers makes no plan anew", async () => {
  using device = new TestCpu(1);
  const learningRate = hyperparameter(0.1), momentum = hyperparameter(0.5);
  const pipe = run(sgd({ learningRate, momentum }), 40, { device }).pipe(tap(({ step }) => {
    learningRate.next(0.1 / step);
    momentum.next(0.5 + 0.01 * step);
  }));
  await lossesOf(pipe);
  assert.equal(device.plans.length, 1);
});

Deno.test("fit twice continues: two runs of an epoch end where one of two epochs does", async () => {
  const data = points(64);
  const settings = { batchSize: 8, shuffle: false, ...cpu };
  const [once, twice] = [smallModel(), smallModel()];
  const optimizer = sgd({ learningRate: 0.1 });
  const whole = await lossesOf(steps(once, data, optimizer, { ...settings, epochs: 2 }));
  const pipe = steps(twice, data, optimizer, settings);
  const parts = [...await lossesOf(pipe), ...await lossesOf(pipe)];
  assert.deepEqual(parts, whole);
  assert.deepEqual(await weightsOf(twice), await weightsOf(once));
});

for (const { name, options } of devices) {
  Deno.test(`a completed run has given its weights back [${name}]`, async () => {
    const { model, data, loss } = onePole();
    const pipe = steps(model, data, sgd({ learningRate: 0.25 }), { epochs: 2, ...options }, loss);
    await lastValueFrom(pipe);
    assert.deepEqual([...model.parameters[0].value], [0.25]);
    const inputs = { data: Float32Array.of(4), shape: [1, 1] };
    assert.deepEqual([...(await predict(model, inputs, options)).data], [1]);
  });
}
