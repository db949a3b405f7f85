/** Files of runs with several models whose weights have the same names. */
import assert from "node:assert/strict";
import { lastValueFrom } from "rxjs";
import {
  arrays,
  backward,
  checkpoint,
  connect,
  dense,
  epochs,
  forward,
  frozen,
  functional,
  input,
  loadWeights,
  loss,
  meanSquaredError,
  miniBatches,
  type Model,
  type ModelOptions,
  readWeightsMetadata,
  sequential,
  sgd,
  update,
} from "../../../mod.ts";
import { inFolder } from "./fake_epoch.ts";

const data = arrays([[1, 2], [3, -4], [0, 1]], [[1, 2], [3, 4], [5, 6]]);
const network = (options: ModelOptions) => sequential([input([2]), dense(2)], options);
const valuesOf = ({ parameters }: Model) => parameters.map(({ value }) => [...value]);

/** Trains models one behind the other in each step, and writes all to a file. */
async function train(models: readonly Model[], path: string, weightsOnly = false): Promise<void> {
  const [first, ...others] = models.map((model, place) => (batches: ReturnType<typeof source>) =>
    batches.pipe(
      forward(model),
      loss(meanSquaredError(), { name: `loss_${place}` }),
      backward(),
      update(sgd()),
    )
  );
  const source = () => miniBatches(data, { batchSize: 3, device: "cpu", threads: 1 });
  const steps = others.reduce((above, group) => group(above), first(source()));
  await lastValueFrom(steps.pipe(epochs(), checkpoint(path, { save: "last", weightsOnly })));
}

for (const weightsOnly of [false, true]) {
  Deno.test(`networks of one file find their own weights by name, weightsOnly ${weightsOnly}`, () =>
    inFolder(async (folder) => {
      const path = `${folder}/both.safetensors`;
      const both = ["maker", "critic"].map((name, seed) => network({ name, seed }));
      await train(both, path, weightsOnly);
      for (const model of both) {
        const again = network({ name: model.name, seed: 9 });
        const names = await loadWeights(again, path);
        assert.deepEqual(names, ["dense_1/kernel", "dense_1/bias"]);
        assert.deepEqual(valuesOf(again), valuesOf(model), model.name);
      }
      const stranger = network({ name: "judge", seed: 9 });
      const before = valuesOf(stranger);
      await assert.rejects(
        loadWeights(stranger, path),
        /several of its models have a weight "dense_1\/kernel": received a model "judge" for maker, critic/,
      );
      await assert.rejects(loadWeights(stranger, path, { skipMismatch: true }), /several of its/);
      assert.deepEqual(valuesOf(stranger), before);
    }));
}

Deno.test("models of one name cannot be told apart", () =>
  inFolder(async (folder) => {
    const path = `${folder}/both.safetensors`;
    await train([1, 2].map((seed) => network({ seed })), path);
    await assert.rejects(
      loadWeights(network({}), path),
      /received a model "sequential" for sequential \(give each model a name of its own/,
    );
  }));

Deno.test("one model, or models that share all weights, are found by whatever name", () =>
  inFolder(async (folder) => {
    const path = `${folder}/one.safetensors`;
    const model = network({ name: "maker", seed: 1 });
    await train([model, model, frozenAround(model)], path);
    assert.equal((await readWeightsMetadata(path)).models !== undefined, true);
    const again = network({ name: "other", seed: 2 });
    await loadWeights(again, path);
    assert.deepEqual(valuesOf(again), valuesOf(model));
    const around = frozenAround(network({ name: "maker", seed: 3 }));
    await loadWeights(around, path);
    assert.deepEqual(valuesOf(around)[0], valuesOf(model)[0]);

    await train([model], path);
    assert.equal((await readWeightsMetadata(path)).models, undefined);
    await loadWeights(again, path);
    assert.deepEqual(valuesOf(again), valuesOf(model));
  }));

/** A model whose first layer is another model. */
function frozenAround(model: Model): Model {
  const x = input([2]);
  return functional({ inputs: x, outputs: connect(x, frozen(model), dense(2)) });
}
