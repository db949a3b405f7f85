/** Models in files of their own: layers and weights in one, and what such a file is refused for. */
import assert from "node:assert/strict";
import { lastValueFrom } from "rxjs";
import { DataError } from "../../core/graph/errors.ts";
import type { Tensor } from "../../core/graph/tensor.ts";
import {
  arrays,
  batchNormalization,
  bidirectional,
  checkpoint,
  concatenate,
  connect,
  dense,
  fit,
  functional,
  input,
  type Layer,
  loadModel,
  lstm,
  meanSquaredError,
  modelToJson,
  predict,
  readWeightsMetadata,
  reshapeLayer,
  saveModel,
  saveWeights,
  sequential,
  sgd,
} from "../../mod.ts";
import { inFolder } from "../core/stream/fake_epoch.ts";

const cpu = { device: "cpu", threads: 1 } as const;
const numbers = (rows: number, columns: number) =>
  Array.from(
    { length: rows },
    (_, row) => Array.from({ length: columns }, (_, at) => Math.sin(1 + row * columns + at)),
  );
const network = () =>
  sequential([input([3]), dense(4, { activation: "tanh" }), batchNormalization(), dense(2)], {
    seed: 7,
  });
const x = numbers(5, 3);

const times = ({ factor = 1 }): Layer => ({
  type: "Times",
  name: "",
  config: { factor },
  init: (shape) => ({ outputShape: shape, parameters: [] }),
  apply: (_, x) => x.mul(factor),
});

Deno.test("a trained model comes back from its file, moving averages and all", () =>
  inFolder(async (folder) => {
    const model = network();
    const data = arrays(x, numbers(5, 2));
    const options = { ...cpu, loss: meanSquaredError(), optimizer: sgd(), epochs: 2 };
    await lastValueFrom(fit(model, data, options));
    const file = `${folder}/model.safetensors`;
    await saveModel(model, file, { metadata: { classes: "owl,goose" } });
    const again = await loadModel(file);
    assert.deepEqual(await predict(again, x, cpu), await predict(model, x, cpu));
    assert.equal(modelToJson(again), modelToJson(model));
    assert.equal((await readWeightsMetadata(file)).classes, "owl,goose");
  }));

Deno.test("names of inputs and outputs come back, and layers of one's own by what makes them", () =>
  inFolder(async (folder) => {
    const [a, b] = [input([3]), input([2])];
    const joined = connect(connect([a, b], concatenate()), times({ factor: 3 }));
    const model = functional({
      inputs: { a, b },
      outputs: { kind: connect(joined, dense(2)), price: connect(joined, dense(1)) },
    });
    const file = `${folder}/model.safetensors`;
    await saveModel(model, file);
    type Inputs = { a: Tensor; b: Tensor };
    const custom = { layers: { Times: times } };
    const again = await loadModel<Inputs, { kind: Tensor; price: Tensor }>(file, { custom });
    const inputs = { a: x, b: numbers(5, 2) };
    assert.deepEqual(await predict(again, inputs, cpu), await predict(model, inputs, cpu));
    await assert.rejects(loadModel(file), /must be one of .*"Times"/);
  }));

Deno.test("first weights are not drawn where the file has others", () =>
  inFolder(async (folder) => {
    let drawn = 0;
    const counted = {
      name: "counted",
      config: {},
      values: (shape: readonly number[]) => {
        drawn++;
        return new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(0.5);
      },
    };
    const body = sequential([input([3]), dense(4, { kernelInitializer: counted })], {
      name: "body",
    });
    const steps = bidirectional(lstm(2, { kernelInitializer: counted }));
    const model = sequential([body, reshapeLayer([2, 2]), steps]);
    assert.equal(drawn, 3);
    const file = `${folder}/model.safetensors`;
    await saveModel(model, file);
    const again = await loadModel(file, { custom: { parts: { counted: () => counted } } });
    assert.deepEqual(await predict(again, x, cpu), await predict(model, x, cpu));
    assert.equal(drawn, 3);
  }));

Deno.test("a checkpoint with the model's text is a model, too", () =>
  inFolder(async (folder) => {
    const model = network();
    const file = `${folder}/run.safetensors`;
    const metadata = { model: modelToJson(model) };
    await lastValueFrom(fit(model, arrays(x, numbers(5, 2)), {
      ...cpu,
      loss: meanSquaredError(),
      optimizer: sgd({ momentum: 0.9 }),
      epochs: 1,
      callbacks: [checkpoint(file, { save: "last", metadata })],
    }));
    assert.deepEqual(
      await predict(await loadModel(file), x, cpu),
      await predict(model, x, cpu),
    );
  }));

Deno.test("a file that holds no sound model is refused, and none is half written", () =>
  inFolder(async (folder) => {
    const model = network();
    const [weights, file] = [`${folder}/weights.safetensors`, `${folder}/model.safetensors`];
    await saveWeights(model, weights);
    await assert.rejects(loadModel(weights), (error: DataError) => {
      assert(error instanceof DataError);
      return error.file === weights &&
        /holds weights alone: save it with saveModel/.test(`${error}`);
    });
    await assert.rejects(loadModel(`${folder}/nothing`), DataError);
    await assert.rejects(saveModel({} as never, file), /save a model as saveModel takes a model/);

    await saveModel(model, file);
    const bytes = await Deno.readFile(file);
    bytes[bytes.length - 2] ^= 1;
    await Deno.writeFile(file, bytes);
    await assert.rejects(loadModel(file), /checksum/);

    // A bit of a text: without the checksum it would be another number, or another layer.
    await saveModel(model, file, { metadata: { mean: "[12.25]" } });
    for (const text of ["12.25", "millrace-model"]) {
      const damaged = await Deno.readFile(file);
      const place = new TextDecoder("latin1").decode(damaged).indexOf(text);
      damaged[place] ^= 8;
      await Deno.writeFile(`${folder}/damaged`, damaged);
      await assert.rejects(readWeightsMetadata(`${folder}/damaged`), /checksum/);
      await assert.rejects(loadModel(`${folder}/damaged`), /checksum/);
    }

    const whole = await Deno.readFile(weights);
    const metadata = { model: "{}" };
    await assert.rejects(saveModel(model, weights, { metadata }), /what saveModel itself writes/);
    const { config: _, ...unknown } = times({});
    const unwritable = sequential([input([3]), unknown as Layer]);
    await assert.rejects(saveModel(unwritable, weights), TypeError);
    assert.deepEqual(await Deno.readFile(weights), whole);
  }));
