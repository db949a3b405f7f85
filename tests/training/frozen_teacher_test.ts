/** What is frozen with `training: false` acts as in inference, in training too: a teacher in the loss. */
import assert from "node:assert/strict";
import { lastValueFrom, mergeMap, toArray } from "rxjs";
import {
  arrays,
  backward,
  batchNormalization,
  bidirectional,
  connect,
  dense,
  type DeviceOptions,
  dropout,
  forward,
  frozen,
  functional,
  gaussianNoise,
  input,
  l2,
  loss,
  lstm,
  miniBatches,
  type Model,
  modelFromJson,
  modelToJson,
  multiHeadAttention,
  predict,
  sequential,
  sgd,
  softmax,
  softmaxCrossEntropy,
  update,
} from "../../mod.ts";
import { assertClose } from "../core/nn/close.ts";
import { devicesOf } from "./devices.ts";

const x = Array.from(
  { length: 8 },
  (_, row) =>
    Array.from({ length: 3 }, (_, step) => [Math.sin(row * row + step), Math.cos(row - step)]),
);
const cpu = { device: "cpu", threads: 1 } as const;

/** A teacher in which everything has another way in training, itself and within other layers. */
function teacher(): Model {
  const model = sequential([
    input([3, 2]),
    dense(4),
    batchNormalization(),
    gaussianNoise(0.5),
    multiHeadAttention(2, 2, { dropout: 0.5 }),
    bidirectional(lstm(3, { dropout: 0.5, recurrentDropout: 0.5 })),
    dropout(0.5),
    dense(3),
  ], { name: "teacher", seed: 3 });
  const { weights } = model.getLayer("batch_normalization_1");
  weights.get("moving_mean")!.set([0.1, -0.2, 0.3, 0]);
  weights.get("moving_variance")!.set([0.5, 1, 2, 0.25]);
  return model;
}

/** A student beside what teaches it. */
function lesson(from: Model) {
  const line = input([3, 2]);
  const told = connect(line, bidirectional(lstm(2)), dense(3));
  return functional({ inputs: line, outputs: { student: told, teacher: connect(line, from) } });
}

async function teaches(device: DeviceOptions): Promise<void> {
  const source = teacher();
  const before = [...source.weights].map(([name, { value }]) => [name, [...value]]);
  const expected = await predict(source, x, device);
  const model = lesson(frozen(source, { training: false }));
  const said = miniBatches(arrays(x), { ...device, batchSize: 8, epochs: 2, shuffle: false })
    .pipe(
      forward(model),
      loss(({ outputs: { student, teacher } }) => softmaxCrossEntropy(student, softmax(teacher))),
      backward(),
      update(sgd({ learningRate: 0.5 })),
      mergeMap(({ outputs }) => outputs.teacher.data()),
      toArray(),
    );
  for (const values of await lastValueFrom(said)) {
    assertClose(values as Float32Array, expected.data, 1e-6);
  }
  assert.deepEqual([...source.weights].map(([name, { value }]) => [name, [...value]]), before);
}

// On WebGPU's software adapter so many kinds of layers take long to compile.
for (const { name, options } of await devicesOf("reference", "cpu")) {
  Deno.test(
    `a teacher says in training what it says in inference, and stays as it is [${name}]`,
    () => teaches(options),
  );
}

/** What a model gives in a training run. */
async function inTraining(model: Model): Promise<number[]> {
  const outputs = miniBatches(arrays(x), { ...cpu, batchSize: 8, shuffle: false }).pipe(
    forward(model),
    mergeMap(({ outputs }) => outputs.data()),
  );
  return [...await lastValueFrom(outputs)];
}

Deno.test("frozen alone goes on dropping; layers and what stands in others can be told not to", async () => {
  const source = teacher();
  const [still, doubting] = [frozen(source, { training: false }), frozen(source)];
  const expected = [...(await predict(source, x, cpu)).data];
  assert.deepEqual(await inTraining(still), expected);
  assert.notDeepEqual(await inTraining(doubting), expected);
  const layers = [dropout(0.5), dense(2)];
  const plain = sequential([input([3, 2]), ...layers], { seed: 1 });
  const model = sequential([input([3, 2]), frozen(layers[0], { training: false }), layers[1]], {
    seed: 1,
  });
  assert.deepEqual(await inTraining(model), [...(await predict(plain, x, cpu)).data]);
  const cell = lstm(3, { dropout: 0.5 });
  const both = sequential([input([3, 2]), bidirectional(frozen(cell, { training: false }))]);
  assert.deepEqual(await inTraining(both), [...(await predict(both, x, cpu)).data]);
});

Deno.test("it goes to JSON and back", async () => {
  const layer = frozen(dropout(0.5), { training: false });
  const model = sequential([input([3, 2]), frozen(teacher(), { training: false }), layer]);
  const text = modelToJson(model);
  const again = modelFromJson(text);
  assert.equal(modelToJson(again), text);
  assert.equal(again.trainableParameters.length, 0);
  assert.deepEqual(await inTraining(again), [...(await predict(again, x, cpu)).data]);
});

Deno.test("weights learn nothing from what is frozen beside the model that has them, in one model", async () => {
  const first = [0.5, -1, 2, 0.25];
  const run = async (frozenToo: boolean, recompute?: number) => {
    const judge = sequential([
      input([2]),
      dense(2, { useBias: false, kernelRegularizer: l2(0.01) }),
      batchNormalization(),
    ]);
    judge.parameters[0].set(first);
    const [maker, real] = [dense(2, { useBias: false, name: "maker" }), input([2])];
    const made = connect(real, maker);
    const model = functional({
      inputs: { real },
      outputs: {
        judged: connect(real, judge),
        // The maker learns by what the judge says, and the judge not from that.
        taken: frozenToo ? connect(made, frozen(judge)) : made,
      },
      recompute,
    });
    model.weights.get("maker/kernel")!.set([1, 0.5, -0.5, 1]);
    const data = arrays({ real: x.map(([row]) => row) });
    await lastValueFrom(
      miniBatches(data, { batchSize: 4, shuffle: false, ...cpu }).pipe(
        forward(model),
        loss(({ outputs: { judged, taken } }) => judged.square().add(taken.square()).mean(-1)),
        backward(),
        update(sgd({ learningRate: 0.1 })),
      ),
    );
    return { judge: judge.parameters.map(({ value }) => [...value]), maker: model.weights };
  };
  const alone = await run(false);
  for (const recompute of [undefined, 1]) {
    const beside = await run(true, recompute);
    beside.judge.forEach((values, place) => assertClose(values, alone.judge[place], 1e-6));
    assert.notDeepEqual([...beside.maker.get("maker/kernel")!.value], [1, 0.5, -0.5, 1]);
  }
});
