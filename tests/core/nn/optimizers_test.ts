import assert from "node:assert/strict";
import { BehaviorSubject, lastValueFrom } from "rxjs";
import { evaluateReference } from "../../../core/cpu/reference.ts";
import { stateLeaf } from "../../../core/graph/leaf.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import {
  adadelta,
  adafactor,
  adagrad,
  adam,
  adamax,
  adamw,
  dense,
  ftrl,
  hyperparameter,
  input,
  lamb,
  lion,
  meanAbsoluteError,
  muon,
  nadam,
  type Optimizer,
  rmsprop,
  scheduleFreeAdamW,
  sequential,
  sgd,
  stepDecay,
} from "../../../core/nn/mod.ts";
import { fit } from "../../../core/stream/mod.ts";
import { arrays } from "../../../data/mod.ts";
import { assertClose } from "./close.ts";
import { array, TestContext } from "./context.ts";
import { startSlots } from "./slots.ts";

/** Weights of one element after each step, from 1, under gradients; `before` may turn a knob. */
function run(
  optimizer: Optimizer,
  gradients: readonly number[],
  before: (step: number) => void = () => {},
): { weights: number[]; context: TestContext } {
  const context = new TestContext();
  const [weight, gradient] = [stateLeaf("w", []), stateLeaf("g", [])];
  const { slots, state: start } = startSlots(optimizer, { shape: [] }, [1]);
  const leaves: Tensor[] = [weight, ...start.keys()];
  let state = [1, ...[...start.values()].map(({ data }) => data[0])];
  const updated = optimizer.apply(weight, gradient, slots, context);
  const outputs = [updated.parameter, ...Object.keys(slots).map((name) => updated.slots[name])];
  const weights = gradients.map((value, step) => {
    before(step);
    const bindings = context.bindings(step).set(gradient, array([], [value]));
    leaves.forEach((leaf, index) => bindings.set(leaf, array([], [state[index]])));
    state = evaluateReference(outputs, bindings).map((result) => result.data[0]);
    return state[0];
  });
  return { weights, context };
}

Deno.test("the learning rate lies inside the velocity, as in Keras and not in PyTorch", () => {
  const learningRate = hyperparameter(1);
  const { weights } = run(sgd({ learningRate, momentum: 0.5 }), [1, 0], (step) => {
    if (step === 1) learningRate.next(0.1);
  });
  // v = −1, then −0.5 at the old size; PyTorch would move by −0.1 · 0.5.
  assert.deepEqual(weights, [0, -0.5]);
});

Deno.test("momentum, weight decay and rho follow streams, without another graph", () => {
  const momentum = hyperparameter(0);
  const moved = run(sgd({ learningRate: 1, momentum }), [1, 0, 0], (step) => {
    if (step === 1) momentum.next(0.5);
  });
  assert.deepEqual(moved.weights, [0, -0.5, -0.75]);

  const weightDecay = new BehaviorSubject(0.5);
  const decayed = run(adamw({ learningRate: 0.1, weightDecay }), [0, 0], (step) => {
    if (step === 1) weightDecay.next(0);
  });
  assertClose(decayed.weights, [0.95, 0.95], 1e-15);

  const rho = hyperparameter(0.75);
  const scaled = run(rmsprop({ learningRate: 1, rho, epsilon: 0 }), [1, 1], (step) => {
    if (step === 1) rho.next(0);
  });
  assertClose(scaled.weights, [1 - 2, 1 - 2 - 1], 1e-12);
});

Deno.test("a schedule gives the learning rate, counted from 0", () => {
  const learningRate = stepDecay({ initialLearningRate: 1, stepSize: 2, gamma: 0.5 });
  assert.deepEqual(run(sgd({ learningRate }), [1, 1, 1, 1]).weights, [0, -1, -1.5, -2]);
});

Deno.test("weight decay comes off before the step, in proportion to the learning rate", () => {
  const { weights } = run(sgd({ learningRate: 0.5, weightDecay: 0.5 }), [1]);
  assert.deepEqual(weights, [1 - 0.25 - 0.5]);
  assert(!run(sgd(), [1]).context.names.includes("weight_decay"), "no node without decay");
});

Deno.test("rmsprop centered takes the mean gradient off, and its momentum holds the rate", () => {
  const optimizer = rmsprop({ learningRate: 0.1, rho: 0.5, epsilon: 0, centered: true });
  // v = 0.5 · 4, mean = 0.5 · 2: 2 − 1 = 1.
  assertClose(run(optimizer, [2]).weights, [1 - 0.1 * 2], 1e-12);
  const moving = rmsprop({ learningRate: 0.1, rho: 0, epsilon: 0, momentum: 0.5 });
  assertClose(run(moving, [2, 2]).weights, [0.9, 0.9 - 0.1 - 0.05], 1e-12);
});

Deno.test("rmsprop centered goes on where gradients stay the same, whose variance is 0", async () => {
  const model = sequential([input([1]), dense(1)]);
  // The answers are so far away that the slope of the absolute error is 2.75 at every step.
  const data = arrays([[3], [2.5]], [[1e6], [1e6]]);
  const optimizer = rmsprop({ learningRate: 1e-3, centered: true });
  const options = { loss: meanAbsoluteError(), optimizer, epochs: 300, threads: 1 } as const;
  const { step } = await lastValueFrom(fit(model, data, { ...options, device: "cpu" }));
  assert.equal(step, 300);
});

Deno.test("adam's first step is the learning rate, whatever the gradient's size", () => {
  for (const gradient of [1e-3, 1, 1e3]) {
    const { weights } = run(adam({ learningRate: 0.01, epsilon: 0 }), [gradient]);
    assertClose(weights, [0.99], 1e-12);
  }
});

Deno.test("adamw is adam with a decay of 0.004", () => {
  const gradients = [0.3, -0.2, 0.1];
  assert.deepEqual(
    run(adamw(), gradients).weights,
    run(adam({ weightDecay: 0.004 }), gradients).weights,
  );
  assert.notDeepEqual(run(adamw(), gradients).weights, run(adam(), gradients).weights);
});

Deno.test("defaults are Keras's", () => {
  const rates = [sgd(), rmsprop(), adam(), adamw(), scheduleFreeAdamW()].map((optimizer) =>
    optimizer.learningRate
  );
  assert.deepEqual(rates, [0.01, 0.001, 0.001, 0.001, 0.0025]);
  const others = [adadelta(), adafactor(), adagrad(), adamax(), ftrl(), lamb(), lion(), muon()];
  for (const { learningRate } of [...others, nadam()]) assert.equal(learningRate, 0.001);
});

Deno.test("adafactor keeps the rate as it is without relativeStep", () => {
  const options = { learningRate: 0.5, clipThreshold: 1 };
  const gradients = [1, 1, 1, 1];
  const free = run(adafactor({ ...options, relativeStep: false }), gradients).weights;
  // u is 1 for gradients of one size, and the step is rate · |w|.
  assertClose(free, [0.5, 0.25, 0.125, 0.0625], 1e-12);
  const bounded = run(adafactor(options), [1, 1, 1, 1, 1]).weights;
  // From step 5 on 1 / √t is below ½.
  const expected = [0.5, 0.25, 0.125, 0.0625, 0.0625 * (1 - 1 / Math.sqrt(5))];
  assertClose(bounded, expected, 1e-12);
});

Deno.test("adafactor goes on where an input and a unit are dead, whose squares it takes for 1e-30", async () => {
  const model = sequential([input([2]), dense(2, { activation: "relu" }), dense(1)]);
  const [kernel, bias] = model.parameters;
  kernel.set([1, 1, 1, 1]);
  bias.set([0, -100]);
  const data = arrays([[3, 0], [2.5, 0]], [[1], [2]]);
  const options = { loss: meanAbsoluteError(), optimizer: adafactor(), epochs: 3, threads: 1 };
  await lastValueFrom(fit(model, data, { ...options, device: "cpu" }));
  const [own, ...dead] = kernel.value;
  assert.notEqual(own, 1);
  assert.deepEqual(dead, [1, 1, 1]);
});

Deno.test("muon takes Adam for excluded names, and its ratio of the rate", () => {
  const shape = [2, 3];
  const slotsOf = (name: string, options = {}) => Object.keys(muon(options).slots({ name, shape }));
  assert.deepEqual(slotsOf("dense_1/kernel"), ["velocity"]);
  assert.deepEqual(slotsOf("embedding_1/embeddings"), ["mean", "variance"]);
  assert.deepEqual(slotsOf("embedding_1/embeddings", { excludeEmbeddings: false }), ["velocity"]);
  assert.deepEqual(slotsOf("head/kernel", { excludeLayers: ["^head/"] }), ["mean", "variance"]);
  const half = muon({ learningRate: 0.1, adamLrRatio: 0.5, epsilon: 0, adamWeightDecay: 0 });
  assertClose(run(half, [3]).weights, [0.95], 1e-12);
  const decayed = muon({ learningRate: 0.1, adamLrRatio: 0.5, epsilon: 0, adamWeightDecay: 1 });
  assertClose(run(decayed, [3]).weights, [0.9 - 0.05], 1e-12);
});

Deno.test("nadam's products may be asked for again from the start", () => {
  const optimizer = nadam({ learningRate: 0.1 });
  const gradients = [0.5, -1, 2, 0.25];
  const first = run(optimizer, gradients).weights;
  assert.deepEqual(run(optimizer, gradients).weights, first, "another run of the same optimizer");
});

Deno.test("ftrl holds weight and slots while the rate is 0", () => {
  const learningRate = hyperparameter(0.1);
  const { weights } = run(ftrl({ learningRate }), [1, 1, 1], (step) => {
    learningRate.next(step === 1 ? 0 : 0.1);
  });
  const { weights: without } = run(ftrl({ learningRate: 0.1 }), [1, 1]);
  assert.deepEqual(weights, [without[0], without[0], without[1]]);
});

const refused: [name: string, make: () => unknown, message: RegExp][] = [
  ["momentum 1.1", () => sgd({ momentum: 1.1 }), /momentum of sgd .*from 0 to 1: received 1.1/],
  ["Nesterov without momentum", () => sgd({ nesterov: true }), /nesterov needs a momentum above 0/],
  ["rho −1", () => rmsprop({ rho: -1 }), /rho of rmsprop .*received -1/],
  ["momentum NaN", () => rmsprop({ momentum: NaN }), /momentum of rmsprop .*received NaN/],
  ["epsilon −1", () => rmsprop({ epsilon: -1 }), /epsilon of rmsprop .*at least 0: received -1/],
  ["beta1 1", () => adam({ beta1: 1 }), /beta1 of adam .*received 1/],
  ["beta2 −0.1", () => adamw({ beta2: -0.1 }), /beta2 of adamw .*received -0.1/],
  ["rho 1", () => adadelta({ rho: 1 }), /rho of adadelta .*received 1/],
  ["a rising beta2Decay", () => adafactor({ beta2Decay: 0.5 }), /beta2Decay of .*received 0.5/],
  [
    "a negative sum",
    () => adagrad({ initialAccumulatorValue: -1 }),
    /initialAccumulatorValue .*received -1/,
  ],
  ["beta2 1", () => adamax({ beta2: 1 }), /beta2 of adamax .*received 1/],
  ["a positive power", () => ftrl({ learningRatePower: 1 }), /learningRatePower of .*received 1/],
  ["l1 −1", () => ftrl({ l1RegularizationStrength: -1 }), /l1Reg\w+ of ftrl .*received -1/],
  ["epsilon −2", () => lamb({ epsilon: -2 }), /epsilon of lamb .*received -2/],
  ["beta1 0", () => lion({ beta1: 0 }), /beta1 of lion .*received 0/],
  ["no iterations", () => muon({ nsSteps: 0 }), /nsSteps of muon .*from 1: received 0/],
  ["rmsRate 0", () => muon({ rmsRate: 0 }), /rmsRate of muon .*received 0/],
  ["half a step", () => scheduleFreeAdamW({ warmupSteps: 0.5 }), /warmupSteps .*received 0.5/],
  ["epsilon NaN", () => adam({ epsilon: NaN }), /epsilon of adam .*received NaN/],
];

for (const [name, make, message] of refused) {
  Deno.test(`optimizers refuse ${name}`, () => {
    assert.throws(
      make,
      (error: Error) => error instanceof RangeError && message.test(error.message),
    );
  });
}

Deno.test("a learning rate that a stream takes below 0 is refused as the step is sent", () => {
  const learningRate = hyperparameter(0.1);
  assert.throws(
    () => run(sgd({ learningRate }), [1, 1], (step) => step === 1 && learningRate.next(-1)),
    /learning_rate .*at least 0: received -1/,
  );
});
