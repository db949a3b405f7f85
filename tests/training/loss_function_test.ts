/** Losses that are functions of a step: of all inputs, targets and outputs, or of no targets. */
import assert from "node:assert/strict";
import { lastValueFrom, map, tap, toArray } from "rxjs";
import {
  arrays,
  backward,
  checkpoint,
  connect,
  dense,
  epochs,
  evaluate,
  fit,
  forward,
  frozen,
  functional,
  type Hyperparameter,
  hyperparameter,
  input,
  loss,
  meanAbsoluteError,
  meanSquaredError,
  miniBatches,
  sequential,
  sgd,
  stopGradient,
  sub,
  type Tensor,
  tensor,
  update,
} from "../../mod.ts";
import { mulberry32 } from "../core/ops/generator.ts";
import { assertClose } from "../core/nn/close.ts";
import { inFolder } from "../core/stream/fake_epoch.ts";
import { testOnDevices } from "../devices.ts";

const random = mulberry32(12);
const rows = (count: number, width: number) =>
  Array.from({ length: count }, () => Array.from({ length: width }, () => random() * 2 - 1));
const cpu = { device: "cpu", threads: 1 } as const;
const [x, one, two] = [rows(10, 3), rows(10, 2), rows(10, 4)];
const sampleWeight = x.map((_, sample) => sample % 3);
const labelled = arrays({ x }, { one, two }, { sampleWeight });

function twoHeads() {
  const x = input([3]);
  const hidden = connect(x, dense(5, { activation: "tanh" }));
  return functional({
    inputs: { x },
    outputs: { one: connect(hidden, dense(2)), two: connect(hidden, dense(4)) },
    seed: 2,
  });
}

const [mse, mae] = [meanSquaredError(), meanAbsoluteError()];

testOnDevices(
  "terms of a function are what losses of outputs are, weights too",
  async (options) => {
    const settings = { ...options, batchSize: 4, epochs: 2, seed: 1 };
    const byOutputs = twoHeads();
    const expected = await lastValueFrom(
      miniBatches(labelled, settings).pipe(
        forward(byOutputs),
        loss({ one: mse, two: mae }, { lossWeights: { two: 0.3 } }),
        backward(),
        update(sgd({ learningRate: 0.1 })),
        epochs({ validation: labelled }),
      ),
    );
    const byFunction = twoHeads();
    const found = await lastValueFrom(
      miniBatches(labelled, settings).pipe(
        forward(byFunction),
        loss(
          ({ y, outputs }) => ({
            one: mse.apply(y.one, outputs.one),
            two: mae.apply(y.two, outputs.two),
          }),
          { lossWeights: { two: 0.3 } },
        ),
        backward(),
        update(sgd({ learningRate: 0.1 })),
        epochs({ validation: labelled }),
      ),
    );
    assert.deepEqual(Object.keys(found.logs), Object.keys(expected.logs));
    for (
      const name of ["loss", "one_loss", "two_loss", "val_loss", "val_one_loss", "val_two_loss"]
    ) {
      assertClose([found.logs[name]], [expected.logs[name]], 1e-6, name);
    }
    byFunction.parameters.forEach(({ value, name }, place) =>
      assertClose(value, byOutputs.parameters[place].value, 1e-6, name)
    );
  },
);

/** Halves that are to be alike, and not 0: no targets. */
const pair = () => {
  const [left, right, shared] = [input([2]), input([2]), dense(3)];
  const outputs = { left: connect(left, shared), right: connect(right, shared) };
  return functional({ inputs: { left, right }, outputs, seed: 4 });
};
const halves = arrays({ left: rows(7, 2), right: rows(7, 2) });

Deno.test("data need no targets: fit, validation and evaluate by a number of the batch", async () => {
  const model = pair();
  const beta = hyperparameter(0.5);
  const weights = model.weights.get("dense_1/kernel")!.value.slice();
  const { logs } = await lastValueFrom(fit(model, halves, {
    ...cpu,
    loss: ({ outputs: { left, right } }) => ({
      apart: left.sub(right).square().mean(),
      flat: left.square().mean(-1),
    }),
    lossWeights: { flat: beta },
    optimizer: sgd({ learningRate: 0 }),
    validation: halves,
    batchSize: 3,
  }));
  const product = (row: readonly number[], unit: number) =>
    row[0] * weights[unit] + row[1] * weights[3 + unit];
  const [left, right] = [halves.x.left, halves.x.right].map(({ data }) =>
    Array.from({ length: 7 }, (_, row) => [...data.slice(2 * row, 2 * row + 2)])
  );
  const mean = (of: (row: number, unit: number) => number) =>
    left.reduce((sum, _, row) => sum + of(row, 0) + of(row, 1) + of(row, 2), 0) / 21;
  const apart = mean((row, unit) => (product(left[row], unit) - product(right[row], unit)) ** 2);
  const flat = mean((row, unit) => product(left[row], unit) ** 2);
  const expected = { apart_loss: apart, flat_loss: flat, loss: apart + flat / 2 };
  for (const [name, value] of Object.entries(expected)) {
    assertClose([logs[name], logs[`val_${name}`]], [value, value], 1e-5, name);
  }
  const evaluated = await evaluate(model, halves, {
    ...cpu,
    loss: ({ outputs }) => outputs.left.sub(outputs.right).square().mean(-1),
  });
  assertClose([evaluated.loss], [apart], 1e-5, "evaluate");
});

Deno.test("the weight of a term may change, and a run goes on with it to the same bits", () =>
  inFolder(async (folder) => {
    const run = async (last: number, resume?: string) => {
      const model = pair();
      const beta: Hyperparameter = hyperparameter(0.1);
      const steps = miniBatches(halves, { ...cpu, batchSize: 3, epochs: last, seed: 5, resume })
        .pipe(
          tap(() => beta.next(beta.value * 1.1)),
          forward(model),
          loss(
            ({ outputs }) => ({
              near: outputs.left.sub(1).square().mean(-1),
              far: outputs.right.mean(),
            }),
            { lossWeights: { far: beta } },
          ),
          backward(),
          update(sgd({ learningRate: 0.05, momentum: 0.9 })),
        );
      const path = `${folder}/pair.safetensors`;
      const { logs } = await lastValueFrom(
        steps.pipe(epochs(), checkpoint(path, { save: "last" })),
      );
      return { logs, weights: model.parameters.map(({ value }) => [...value]), beta: beta.value };
    };
    const whole = await run(4);
    await run(2);
    assert.deepEqual(await run(4, `${folder}/pair.safetensors`), whole);
  }));

Deno.test("the slope goes to inputs through a function of them, as of a penalty", async () => {
  const model = sequential([input([2]), dense(1, { useBias: false })]);
  model.parameters[0].set([0.5, -1]);
  const steps = miniBatches(arrays([[1, 2], [3, 4]]), { ...cpu, batchSize: 2 }).pipe(
    forward(model),
    loss(({ x, outputs }) => outputs.mul(x.sum(-1, { keepDims: true })).mean(-1)),
    backward(),
    update(sgd({ learningRate: 0.1 })),
    map((step) => step.values()),
    toArray(),
  );
  const [values] = await lastValueFrom(steps);
  assertClose([(await values).loss], [(3 * -1.5 + 7 * -2.5) / 2], 1e-6, "loss");
  assertClose(model.parameters[0].value, [0.5 - 0.1 * 12, -1 - 0.1 * 17], 1e-6, "weights");
});

Deno.test("a function that gives no loss is refused, and says what it gave", async () => {
  const scored = (terms: (step: unknown) => unknown, lossWeights = {}) =>
    lastValueFrom(
      miniBatches(halves, { ...cpu, batchSize: 7 }).pipe(
        forward(pair()),
        loss(terms as never, { lossWeights }),
      ),
    );
  await assert.rejects(scored((_) => 3), /must give a tensor, or tensors by name: received/);
  await assert.rejects(scored((_) => ({})), /gives no term/);
  await assert.rejects(
    scored((_) => ({ kl: tensor([[1, 2]]) })),
    /the term kl must be a number or one for each sample, \[7\] f32: received constant \[1, 2\] f32/,
  );
  await assert.rejects(
    scored((_) => ({ kl: tensor(1) }), { beta: 2 }),
    /Cannot weigh the term beta as the terms of the loss function are kl/,
  );
  const ofTwo = (targets: Tensor, outputs: Tensor) => sub(targets, outputs).mean(-1);
  await assert.rejects(
    scored(ofTwo as never),
    /is given one argument, \{ x, y, outputs \}: received ofTwo of 2, which failed: .*apply: \(tar/,
  );
  assert.throws(
    () => loss(((_: unknown) => tensor(1)) as never, { lossWeights: { kl: "a" } } as never),
    /kl/,
  );
});

Deno.test("a loss that no weight decides smoothly is refused, unless none is to learn", async () => {
  const trained = (model: ReturnType<typeof pair>, terms: (left: Tensor) => Tensor) =>
    lastValueFrom(fit(model, halves, {
      loss: ({ outputs: { left } }) => terms(left),
      optimizer: sgd(),
      ...cpu,
    }));
  const message = /Cannot differentiate the loss as .* no trainable weight of the model functional/;
  await assert.rejects(trained(pair(), (left) => left.greater(0).cast("f32").mean()), message);
  await assert.rejects(trained(pair(), (left) => left.argMax(-1).cast("f32")), message);
  await assert.rejects(trained(pair(), (left) => stopGradient(left).mean()), message);
  await trained(frozen(pair()), (left) => left.mean());
});

// Never called: only the compiler looks at it.
function _types(): void {
  const forwarded = miniBatches(halves).pipe(forward(pair()));
  forwarded.pipe(loss(({ outputs }) => outputs.left.mean()));
  // @ts-expect-error there is no such output
  forwarded.pipe(loss(({ outputs }) => outputs.middle.mean()));
  // @ts-expect-error these data have no targets
  forwarded.pipe(loss(({ y }) => y.left.mean()));
}
