/** Systems whose losses go beyond outputs and targets learn as in PyTorch, on every device. */
import assert from "node:assert/strict";
import { lastValueFrom, map, type Observable, tap, toArray } from "rxjs";
import golden from "../golden/systems.json" with { type: "json" };
import {
  adam,
  type AnyUpdated,
  arrays,
  backward,
  concat,
  connect,
  dense,
  Differentiated,
  evaluate,
  forward,
  functional,
  gradients,
  huber,
  hyperparameter,
  input,
  loss,
  type LossFunction,
  meanSquaredError,
  miniBatches,
  type Model,
  rmsprop,
  sequential,
  settled,
  sgd,
  sin,
  sqrt,
  takeAlongAxis,
  type Tensor,
  update,
} from "../../mod.ts";
import { assertClose } from "../core/nn/close.ts";
import { testOnDevices } from "../devices.ts";
import { deviceTest } from "./devices.ts";

interface Given {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

const rows = ({ shape, data }: Given) => ({ shape, data: Float32Array.from(data) });
const batches = { batchSize: 4, shuffle: false } as const;

/** Two dense layers of the weights that PyTorch began with. */
function network(start: Record<string, Given>, inputShape?: number[]): Model {
  const [inputs, units] = start["dense_1/kernel"].shape;
  const [, outputs] = start["dense_2/kernel"].shape;
  const first = input(inputShape ?? [inputs]);
  const model = sequential([first, dense(units, { activation: "tanh" }), dense(outputs)]);
  for (const [name, { data }] of Object.entries(start)) model.weights.get(name)!.set(data);
  return model;
}

/** Trains, and compares the losses of all steps and the last weights. */
async function compare(
  steps: Observable<AnyUpdated>,
  model: Model,
  expected: { readonly losses: number[]; readonly final: Record<string, Given> },
): Promise<void> {
  const values = await lastValueFrom(steps.pipe(map((step) => step.values()), toArray()));
  const losses = (await Promise.all(values)).map(({ loss }) => loss);
  assertClose(losses, expected.losses, 2e-5, "losses");
  await settled(model);
  for (const [name, { data }] of Object.entries(expected.final)) {
    assertClose(model.weights.get(name)!.value, data, 2e-5, name);
  }
}

/** The slopes of each row of `y` by those of `x`. */
const slopes = (y: Tensor, x: Tensor) => gradients(y.sum(), [x])[0];
const column = (x: Tensor, place: number) => x.slice([0, place], [x.shape[0], place + 1]);

type Places = { readonly inside: Tensor; readonly edge: Tensor };
/** u_t + u·u_x = ν·u_xx, and u = −sin(πx) at the edge. */
const burgers: LossFunction<Places, Tensor, Places> = ({ x, outputs: { inside: u, edge } }) => {
  const first = slopes(u, x.inside);
  const second = column(slopes(column(first, 0), x.inside), 0);
  const residual = column(first, 1).add(u.mul(column(first, 0)))
    .sub(second.mul(0.01 / Math.PI));
  const wrong = edge.add(sin(column(x.edge, 0).mul(Math.PI)));
  return { residual: residual.square().mean(-1), edge: wrong.square().mean(-1) };
};

// Its second slopes are 60 kernels, which Mesa's software adapter compiles for 7 s.
await deviceTest(
  "a physics-informed network solves Burgers' equation as in PyTorch",
  async (device) => {
    const { start, inside, edge } = golden.burgers;
    const solution = network(start);
    const x = { inside: input([2]), edge: input([2]) };
    const model = functional({
      inputs: x,
      outputs: { inside: connect(x.inside, solution), edge: connect(x.edge, solution) },
    });
    const data = arrays({ inside: rows(inside), edge: rows(edge) }, inside.data.slice(0, 12));
    const steps = miniBatches(data, { device, ...batches, epochs: 5 }).pipe(
      forward(model),
      loss(burgers),
      backward(),
      update(adam({ learningRate: 0.01, epsilon: 1e-12 })),
    );
    await compare(steps, solution, golden.burgers);
    // Validation takes the same slopes.
    const cpu = { device: "cpu", threads: 1 } as const;
    const { loss: whole } = await evaluate(model, data, { ...cpu, loss: burgers });
    const { loss: byFours } = await evaluate(model, data, { ...cpu, loss: burgers, batchSize: 4 });
    assertClose([whole], [byFours], 1e-6);
    assert(whole < golden.burgers.losses[0]);
  },
  "reference",
  "cpu",
);

await testOnDevices("MAML learns through an inner step as in PyTorch", async (options) => {
  const { start, support, query, targets, judged } = golden.maml;
  const model = network(start, [3, 1]);
  const rate = hyperparameter(0.05);
  /** Each sample is a task of three points; each task has weights of its own. */
  type Task = { readonly targets: Tensor; readonly query: Tensor; readonly judged: Tensor };
  const afterStep: LossFunction<Tensor, Task> = ({ x, y, weightsOf, context }) => {
    const weights = weightsOf(model);
    const inner = context.scalar(rate, "inner_rate");
    const losses = Array.from({ length: 4 }, (_, place) => {
      const task = (all: Tensor) => all.slice([place, 0, 0], [place + 1, 3, 1]);
      const error = (learnt: typeof weights, x: Tensor, y: Tensor) =>
        model.apply(learnt, task(x), context).sub(task(y)).square().mean();
      const found = gradients(error(weights, x, y.targets), [...weights.values()]);
      const fast = new Map(
        [...weights].map(([parameter, value], at) =>
          [parameter, value.sub(found[at].mul(inner))] as const
        ),
      );
      return error(fast, y.query, y.judged).reshape([1]);
    });
    return concat(losses, 0);
  };
  const tasks = ({ shape, data }: Given) => rows({ shape: [...shape, 1], data });
  const data = arrays(tasks(support), {
    targets: tasks(targets),
    query: tasks(query),
    judged: tasks(judged),
  });
  const steps = miniBatches(data, { ...options, ...batches, epochs: 2 }).pipe(
    forward(model),
    loss(afterStep),
    backward(),
    update(sgd({ learningRate: 0.1, momentum: 0.9 })),
  );
  await compare(steps, model, golden.maml);
});

type Moves = Record<"action" | "reward" | "next" | "done", Tensor>;

/** Huber's loss of the taken action's value against reward and the best of the target network. */
function temporalDifference(target: Model): LossFunction<Tensor, Moves> {
  return ({ y, outputs, weightsOf, context }) => {
    const best = target.apply(weightsOf(target), y.next, context).max(-1, { keepDims: true });
    const goal = y.reward.add(best.mul(y.done.mul(-1).add(1)).mul(0.9));
    const taken = takeAlongAxis(outputs, y.action.reshape([-1, 1]), 1);
    return huber({ delta: 0.5 }).apply(goal, taken);
  };
}

for (const way of ["follows", "copied"] as const) {
  await testOnDevices(
    `DQN learns as in PyTorch with a target network that ${way}`,
    async (options) => {
      const { start, aim, states, next, rewards, actions, done } = golden.dqn;
      const [model, target] = [network(start), network(aim)];
      const data = arrays(rows(states), {
        action: Int32Array.from(actions),
        reward: rows(rewards),
        next: rows(next),
        done: Float32Array.from(done),
      });
      // A scalar of the step, so that a copy at every third step is no other plan.
      const share = hyperparameter(0.1);
      const steps = miniBatches(data, { ...options, ...batches, epochs: 3 }).pipe(
        forward(model),
        loss(temporalDifference(target)),
        backward(),
        update(rmsprop({ learningRate: 0.01, epsilon: 1e-12 })),
        tap((step) => {
          if (way === "copied") share.next(step.step % 3 === 0 ? 1 : 0);
          const tau = step.context.scalar(share, "tau");
          const now = [...step.weightsOf(model).values()];
          [...step.weightsOf(target)].forEach(([parameter, old], place) =>
            step.assign(parameter, old.add(now[place].sub(old).mul(tau)))
          );
        }),
      );
      await compare(steps, model, golden.dqn[way]);
      await settled(target);
      for (const [name, { data }] of Object.entries(golden.dqn[way].target)) {
        assertClose(target.weights.get(name)!.value, data, 2e-5, `target ${name}`);
      }
    },
  );
}

/** The gradients where a step of length ρ up the slope leads, in the place of those here. */
function sharpness(rho: number) {
  return map((step: Differentiated): Differentiated => {
    const { model, x, y, context } = step;
    const found = [...step.gradients];
    const length = sqrt(found.map(([, slope]) => slope.square().sum()).reduce((a, b) => a.add(b)));
    const weights = step.weightsOf(model);
    const moved = new Map([
      ...weights,
      ...found.map(([parameter, slope]) =>
        [parameter, weights.get(parameter)!.add(slope.div(length).mul(rho))] as const
      ),
    ]);
    const there = meanSquaredError().apply(y, model.apply(moved, x, context)).mean();
    const slopes = gradients(there, found.map(([parameter]) => moved.get(parameter)!));
    return new Differentiated(
      step,
      new Map(found.map(([parameter], place) => [parameter, slopes[place]])),
    );
  });
}

await testOnDevices(
  "sharpness-aware minimisation as an operator of the user's learns as in PyTorch",
  async (options) => {
    const { start, x, y } = golden.sharpness;
    const model = network(start);
    const steps = miniBatches(arrays(rows(x), rows(y)), { ...options, ...batches, epochs: 2 }).pipe(
      forward(model),
      loss(meanSquaredError()),
      backward(),
      sharpness(0.1),
      update(sgd({ learningRate: 0.2, momentum: 0.9 })),
    );
    await compare(steps, model, golden.sharpness);
  },
);
