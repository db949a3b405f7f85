/** What operators of the user's may ask of a step: weights, states on the device, scalars, keys. */
import assert from "node:assert/strict";
import { lastValueFrom, map, type Observable, tap } from "rxjs";
import {
  arrays,
  backward,
  checkpoint,
  dense,
  Differentiated,
  epochs,
  fit,
  forward,
  hyperparameter,
  input,
  loss,
  meanSquaredError,
  miniBatches,
  normal,
  sequential,
  settled,
  sgd,
  tensor,
  update,
  type Updated,
} from "../../mod.ts";
import { TestCpu } from "../core/cpu/test_cpu.ts";
import { testOnDevices } from "../devices.ts";
import { warningsOf } from "../warnings.ts";
import { onePole, points, smallModel, steps, weightsOf } from "./pipes.ts";

const cpu = { device: "cpu", threads: 1 } as const;

/** Zhang and others, 2019: every k steps slow weights go a share of the way, and training goes on from there. */
function lookahead(every: number, share: number) {
  const isNow = (done: number) => (done + 1) % every === 0 ? 1 : 0;
  return tap((step: Updated) => {
    const now = step.context.scalar(isNow, "lookahead/now");
    for (const [parameter, fast] of step.weightsOf(step.model)) {
      const slow = step.slot(`lookahead/${parameter.name}`, parameter.shape, parameter);
      const next = slow.add(fast.sub(slow).mul(now).mul(share));
      step.assign(slow, next);
      step.assign(parameter, fast.add(next.sub(fast).mul(now)));
    }
  });
}

await testOnDevices("Lookahead is an operator of the user's", async (options) => {
  const { model, data, loss: squares } = onePole();
  const run = steps(model, data, sgd({ learningRate: 0.25 }), { ...options, epochs: 7 }, squares);
  await lastValueFrom(run.pipe(lookahead(3, 0.5)));
  await settled(model);
  let [fast, slow] = [1, 1];
  for (let step = 1; step <= 7; step++) {
    fast *= 0.5;
    if (step % 3 === 0) fast = slow += (fast - slow) / 2;
  }
  assert(Math.abs(model.parameters[0].value[0] - fast) < 1e-6, `${model.parameters[0].value}`);
});

Deno.test("what is assigned at every step is planned once", async () => {
  const plans = async (operator: typeof same) => {
    using device = new TestCpu(1);
    const run = steps(smallModel(), points(60), sgd(), { batchSize: 12, epochs: 4, device });
    await lastValueFrom(run.pipe(operator));
    return device.plans.length;
  };
  const same = (above: Observable<Updated>) => above;
  assert.equal(await plans(lookahead(3, 0.5)), await plans(same));
});

Deno.test("a scalar that is given a new source at every step is warned of", async () => {
  const warnings = await warningsOf(async () => {
    const { model, data, loss: squares } = onePole();
    const run = steps(model, data, sgd(), { ...cpu, epochs: 20 }, squares);
    await lastValueFrom(run.pipe(tap((step) => {
      const [[parameter, weight]] = step.weightsOf(model);
      step.assign(parameter, weight.mul(step.context.scalar(() => 0.5, "decay")));
    })));
    assert(Math.abs(model.parameters[0].value[0] - (0.98 / 2) ** 20) < 1e-7);
  });
  assert.match(warnings[0], /scalar "decay" has had 8 sources.*once, outside/);
  assert.match(warnings[1], /12 plans/);
  assert.equal(warnings.length, 2);
});

Deno.test("slots are part of checkpoints: a run goes on to the same bits", async () => {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/slow.safetensors`;
  const run = async (last: number, resume?: string) => {
    const model = smallModel();
    const settings = { ...cpu, batchSize: 12, epochs: last, seed: 3, resume };
    const training = steps(model, points(60), sgd({ learningRate: 0.2 }), settings).pipe(
      lookahead(3, 0.5),
      epochs(),
      checkpoint(file, { save: "last" }),
    );
    await lastValueFrom(training);
    return await weightsOf(model);
  };
  const whole = await run(4);
  await run(2);
  assert.deepEqual(await run(4, file), whole);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("random numbers of the user's follow the run's seed and the step", async () => {
  const train = async (seed: number) => {
    const { model, data, loss: squares } = onePole();
    const noisy = miniBatches(data, { ...cpu, epochs: 3, seed }).pipe(
      forward(model),
      loss(squares),
      backward(),
      map((step) => {
        const { context } = step;
        const found = [...step.gradients].map(([parameter, slope]) => {
          const key = context.randomKey(`noise/${parameter.name}`);
          return [parameter, slope.add(normal(key, slope.shape, context.counter))] as const;
        });
        return new Differentiated(step, new Map(found));
      }),
      update(sgd({ learningRate: 0.1 })),
    );
    await lastValueFrom(noisy);
    return model.parameters[0].value[0];
  };
  assert.equal(await train(1), await train(1));
  assert.notEqual(await train(1), await train(2));
});

Deno.test("an element that is not finite is not assigned, and a weight below an update is the new one", async () => {
  const model = sequential([input([2]), dense(1, { useBias: false, kernelInitializer: "ones" })]);
  const seen: Promise<ArrayLike<number>>[] = [];
  const run = steps(
    model,
    arrays([[0, 0]], [[0]]),
    sgd(),
    { ...cpu, epochs: 2 },
    meanSquaredError(),
  );
  await lastValueFrom(run.pipe(tap((step) => {
    const [[parameter, weight]] = step.weightsOf(model);
    step.assign(parameter, weight.add(tensor([[1], [Infinity]])));
    seen.push(step.weightsOf(model).get(parameter)!.data());
  })));
  assert.deepEqual((await Promise.all(seen)).map((data) => Array.from(data)), [[2, 1], [3, 1]]);
  assert.deepEqual([...model.parameters[0].value], [3, 1]);
});

Deno.test("what cannot be assigned or kept is refused", async () => {
  const other = smallModel(9);
  const refusals: [(step: Updated) => void, RegExp][] = [
    [
      (step) => step.assign(other.parameters[0], tensor([1])),
      /weight dense_1\/kernel as no model of the run has it: .*weightsOf\(model\)/,
    ],
    [
      (step) => step.assign(step.model.parameters[1], tensor([1])),
      /assign to dense_1\/bias as the value must be f32 of the shape \[8\]: received .*\[1\]/,
    ],
    [(step) => step.assign(step.loss, step.loss), /neither a weight nor a slot/],
    [
      (step) => {
        step.slot("mine", [2]);
        step.slot("mine", [3]);
      },
      /slot mine of \[3\] as another one of that name has the shape \[2\]/,
    ],
    [
      (step) => step.slot("mine", [2], step.model.parameters[0]),
      /slot mine of \[2\] with a copy of dense_1\/kernel as that has the shape \[2, 8\]/,
    ],
  ];
  for (const [use, message] of refusals) {
    const run = steps(smallModel(), points(12), sgd(), { ...cpu });
    await assert.rejects(lastValueFrom(run.pipe(tap(use))), message);
  }
});

const line = arrays([[1], [2], [3]]);
const straight = () => sequential([input([1]), dense(1)], { seed: 1 });

Deno.test("a loss function sees other networks and their weights, in training and in validation", async () => {
  const [pupil, teacher] = [straight(), straight()];
  teacher.parameters[0].set([3]);
  const rate = hyperparameter(0.5);
  const { logs } = await lastValueFrom(fit(pupil, line, {
    ...cpu,
    epochs: 600,
    optimizer: sgd({ learningRate: 0.1 }),
    validation: line,
    loss({ x, outputs, weightsOf, context }) {
      const wanted = teacher.apply(weightsOf(teacher), x, context);
      return outputs.sub(wanted).square().mean(-1).mul(context.scalar(rate, "distilled"));
    },
  }));
  assert(Math.abs(pupil.parameters[0].value[0] - 3) < 0.02, `${pupil.parameters[0].value}`);
  assert.deepEqual([...teacher.parameters[0].value], [3]);
  assert(logs.val_loss < 1e-4 && logs.loss < 1e-4);
});
