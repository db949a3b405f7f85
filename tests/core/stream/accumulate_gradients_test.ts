import assert from "node:assert/strict";
import { lastValueFrom, type MonoTypeOperatorFunction, tap, toArray } from "rxjs";
import {
  accumulateGradients,
  type AccumulationSteps,
  adam,
  arrays,
  backward,
  clipGradients,
  type DataSet,
  dense,
  type Differentiated,
  embedding,
  epochs,
  forward,
  input,
  l2,
  loss,
  type LossOptions,
  miniBatches,
  type MiniBatchesOptions,
  type Optimizer,
  type ScalarSource,
  sequential,
  sgd,
  sparseCategoricalCrossentropy,
  update,
} from "../../../mod.ts";
import { testOnDevices } from "../../devices.ts";
import { crossentropy, onePole, points, smallModel, weightsOf } from "../../training/pipes.ts";

const data = points(50);

/** Weights after a training with operators between `backward` and `update`. */
async function trained(
  options: MiniBatchesOptions,
  optimizer: Optimizer,
  ...operators: MonoTypeOperatorFunction<Differentiated>[]
) {
  const model = smallModel();
  const differentiated = miniBatches(data, { epochs: 3, seed: 1, ...options }).pipe(
    forward(model),
    loss(crossentropy),
    backward(),
  );
  const changed = operators.reduce((steps, operator) => steps.pipe(operator), differentiated);
  await lastValueFrom(changed.pipe(update(optimizer)));
  return weightsOf(model);
}

function assertClose(
  actual: Record<string, number[]>,
  expected: Record<string, number[]>,
  tolerance: number,
): void {
  for (const [name, values] of Object.entries(expected)) {
    values.forEach((value, at) => {
      const error = Math.abs(actual[name][at] - value);
      assert.ok(error <= tolerance, `${name}[${at}]: ${actual[name][at]} for ${value}`);
    });
  }
}

const optimizers: Record<string, () => Optimizer> = {
  "sgd with momentum": () => sgd({ learningRate: 0.1, momentum: 0.9 }),
  adam: () => adam({ learningRate: 0.02 }),
  "a schedule": () => sgd({ learningRate: (iteration) => 0.3 / (1 + iteration) }),
};

await testOnDevices("sums of losses are gathered as those of one large batch", async (device) => {
  const run = async (batchSize: number, batches: number) => {
    const model = smallModel();
    const steps = miniBatches(data, { batchSize, epochs: 3, seed: 1, ...device }).pipe(
      forward(model),
      loss(crossentropy, { reduction: "sum" }),
      backward(),
      accumulateGradients(batches),
      update(sgd({ learningRate: 0.005 })),
    );
    await lastValueFrom(steps);
    return weightsOf(model);
  };
  // Of 50 samples the last batch has two.
  assertClose(await run(8, 3), await run(24, 1), 2e-6);
});

for (const [name, optimizer] of Object.entries(optimizers)) {
  await testOnDevices(
    `accumulateGradients(3) is a batch three times as large: ${name}`,
    async (options) => {
      // 50 samples: 16 · 3 and 2 are the batches of 16; the last of them ends the epoch.
      const large = await trained({ batchSize: 48, ...options }, optimizer());
      const gathered = await trained(
        { batchSize: 16, ...options },
        optimizer(),
        accumulateGradients(3),
      );
      assertClose(gathered, large, 2e-6);
      const plain = await trained({ batchSize: 16, ...options }, optimizer());
      assert.throws(() => assertClose(plain, large, 1e-3));
    },
  );
}

await testOnDevices(
  "accumulateGradients weighs a smaller last batch by its samples",
  async (options) => {
    const whole = await trained({ batchSize: 50, ...options }, optimizers.adam());
    const gathered = await trained(
      { batchSize: 20, ...options },
      optimizers.adam(),
      accumulateGradients(100),
    );
    assertClose(gathered, whole, 2e-6);
  },
);

await testOnDevices("accumulateGradients comes before what acts on the sum", async (options) => {
  const clip = () => clipGradients({ globalNorm: 0.05 });
  const large = await trained({ batchSize: 48, ...options }, optimizers.adam(), clip());
  const gathered = await trained(
    { batchSize: 16, ...options },
    optimizers.adam(),
    accumulateGradients(3),
    clip(),
  );
  assertClose(gathered, large, 2e-6);
});

/** Sequences of one to four tokens, of which each third is not to be told. */
const lengths = Array.from({ length: 10 }, (_, row) => 1 + (row * row) % 4);
const texts = lengths.map((length, row) =>
  Array.from({ length: 4 }, (_, at) => at < length ? 1 + (row + 2 * at) % 5 : 0)
);
const told = texts.map((row, n) => row.map((token, at) => (n + at) % 3 === 0 ? -1 : token % 3));
const sentences: DataSet = {
  ...arrays(texts, told.map(([first]) => first), { sampleWeight: lengths.map((one) => one / 2) }),
  y: { data: Int32Array.from(told.flat()), shape: [10, 4] },
};

await testOnDevices(
  "accumulateGradients weighs batches by the steps that count, or by their weights",
  async (options) => {
    const cases: [LossOptions["reduction"], maskZero: boolean, ignoreClass: number | undefined][] =
      [
        ["sumOverBatchSize", true, -1],
        ["sumOverBatchSize", false, -1],
        ["meanWithSampleWeight", true, -1],
      ];
    const run = async ([reduction, maskZero, ignoreClass]: typeof cases[0], size: number) => {
      const model = sequential([
        input([4]),
        embedding(6, 3, { maskZero, embeddingsRegularizer: l2(0.01) }),
        dense(3),
      ], { seed: 4 });
      const scored = sparseCategoricalCrossentropy({ fromLogits: true, ignoreClass });
      const steps = miniBatches(sentences, {
        batchSize: size,
        epochs: 2,
        shuffle: false,
        ...options,
      });
      await lastValueFrom(steps.pipe(
        forward(model),
        loss(scored, { reduction }),
        backward(),
        accumulateGradients(10 / size),
        update(sgd({ learningRate: 1 })),
      ));
      return weightsOf(model);
    };
    // WebGPU compiles slowly on a software adapter.
    const few = options.device === "webgpu";
    for (const given of few ? cases.slice(0, 1) : cases) {
      const whole = await run(given, 10);
      // Of a single sentence, all may be ignored.
      for (const size of few ? [5] : [5, 1]) assertClose(await run(given, size), whole, 2e-6);
    }
  },
);

await testOnDevices(
  "accumulateGradients adds up the gradients of sums, of steps that count, too",
  async (options) => {
    const run = async (maskZero: boolean, size: number, batches: number) => {
      const model = sequential([input([4]), embedding(6, 3, { maskZero }), dense(3)], { seed: 4 });
      const scored = sparseCategoricalCrossentropy({ fromLogits: true, ignoreClass: -1 });
      const batch = { batchSize: size, shuffle: false, ...options };
      await lastValueFrom(
        miniBatches(sentences, batch).pipe(
          forward(model),
          loss(scored, { reduction: "sum" }),
          backward(),
          accumulateGradients(batches),
          update(sgd({ learningRate: 0.1 })),
        ),
      );
      return weightsOf(model);
    };
    for (const maskZero of [true, false]) {
      // The sums of 4, 4 and 2 sentences are that of all ten.
      assertClose(await run(maskZero, 4, 3), await run(maskZero, 10, 1), 2e-6);
    }
  },
);

/** Which steps update, the weight of one pole after each epoch, and the logged learning rates. */
async function poles(batches: AccumulationSteps, learningRate: ScalarSource, epochCount: number) {
  const { model, loss: square } = onePole();
  const data = { x: { data: new Float32Array(4).fill(1), shape: [4, 1] } } as const;
  const set = { ...data, y: { data: new Float32Array(4), shape: [4, 1] } };
  const updates: boolean[] = [];
  const training = miniBatches(set, { batchSize: 1, epochs: epochCount, device: "reference" }).pipe(
    forward(model),
    loss(square),
    backward(),
    accumulateGradients(batches),
    tap((step) => void updates.push(step.updates)),
    update(sgd({ learningRate })),
    epochs(),
  );
  const seen = await lastValueFrom(training.pipe(toArray()));
  return {
    updates: updates.map(Number).join(""),
    weight: model.parameters[0].value[0],
    rates: seen.map(({ logs }) => logs.learning_rate),
  };
}

Deno.test("accumulateGradients updates with every n-th batch, and at the end of an epoch", async () => {
  const two = await poles(2, 0.25, 2);
  assert.deepEqual(two, { updates: "01010101", weight: 0.5 ** 4, rates: [0.25, 0.25] });
  const three = await poles(3, 0.25, 1);
  assert.deepEqual(three, { updates: "0011", weight: 0.25, rates: [0.25] });
  assert.deepEqual((await poles(1, 0.25, 1)).updates, "1111");
  assert.deepEqual((await poles(100, 0.25, 2)).updates, "00010001");
});

Deno.test("accumulateGradients takes a number for each epoch", async () => {
  const asked: number[] = [];
  const { updates, weight } = await poles(
    ({ epoch }) => {
      asked.push(epoch);
      return [4, 2, 1][epoch];
    },
    0.25,
    3,
  );
  assert.equal(updates, "000101011111");
  assert.equal(weight, 0.5 ** 7);
  assert.deepEqual(asked, [0, 1, 2]);
});

Deno.test("schedules of the learning rate go by updates", async () => {
  const asked = new Set<number>();
  const { rates } = await poles(2, (iteration) => {
    asked.add(iteration);
    return 0.25 / (1 + iteration);
  }, 2);
  assert.deepEqual([...asked], [0, 1, 2, 3]);
  assert.deepEqual(rates, [0.125, 0.0625]);
});

Deno.test("accumulateGradients refuses what counts no batches", async () => {
  assert.throws(() => accumulateGradients(0), /whole number from 1: received 0/);
  assert.throws(() => accumulateGradients(1.5), RangeError);
  await assert.rejects(poles(() => 0, 0.1, 1), /whole number from 1: received 0/);
});
