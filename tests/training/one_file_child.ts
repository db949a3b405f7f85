/**
 * Learns from raw rows and prints its predictions about others; or predicts about those with nothing
 * but the one checkpoint. For `one_file_test.ts`.
 *
 *     deno run -A tests/training/one_file_child.ts table learn FILE
 *     deno run -A tests/training/one_file_child.ts table predict FILE
 */
import { lastValueFrom } from "rxjs";
import {
  adam,
  arrays,
  binaryCrossentropy,
  checkpoint,
  type DataSet,
  dense,
  embedding,
  fit,
  flatten,
  input,
  type Layer,
  loadWeights,
  type Model,
  modelFromJson,
  modelToJson,
  parseCsv,
  predict,
  readWeightsMetadata,
  sequential,
  type StoredInputs,
  tableEncoder,
  textVectorization,
} from "../../mod.ts";
import { rawRows, rawTexts } from "./one_file_rows.ts";

const device = { device: "cpu", threads: 1 } as const;

/** The outputs of a model for raw data that it has not seen. */
async function print(model: Model, inputs: StoredInputs): Promise<void> {
  console.log(JSON.stringify(Array.from((await predict(model, inputs, device)).data)));
}

/** Trains; what prepares the inputs goes into the checkpoint, beside the model's definition. */
async function learn(
  layers: Layer[],
  data: DataSet,
  path: string,
  encoder: unknown,
): Promise<Model> {
  const model = sequential(layers, { seed: 3 });
  const metadata = { model: modelToJson(model), encoder: JSON.stringify(encoder) };
  await lastValueFrom(fit(model, data, {
    loss: binaryCrossentropy(),
    optimizer: adam({ learningRate: 0.03 }),
    epochs: 20,
    callbacks: [checkpoint(path, { save: "last", metadata })],
    ...device,
  }));
  return model;
}

/** The model of a checkpoint, and what prepares its inputs. */
async function load(path: string) {
  const { model: definition, encoder } = await readWeightsMetadata(path);
  const model = modelFromJson(definition);
  await loadWeights(model, path);
  return { model, config: JSON.parse(encoder) };
}

const options = { text: ["kind", "damage"], missing: [""] };
const sigmoid = { activation: "sigmoid" } as const;

const parts = {
  table: {
    async learn(path: string) {
      const table = parseCsv(rawRows(300, 1, true), options);
      const encoder = tableEncoder({
        features: {
          speed: { type: "numeric", impute: "median" },
          kind: { type: "categorical" },
        },
        target: { column: "damage", type: "binary", positive: "yes" },
      }).adapt(table);
      const data = encoder.dataSet(table);
      const layers = [input(data.x.shape.slice(1)), dense(8, { activation: "relu" })];
      const model = await learn([...layers, dense(1, sigmoid)], data, path, encoder.config);
      const others = parseCsv(rawRows(40, 2, false), { ...options, text: ["kind"] });
      await print(model, encoder.inputs(others));
    },
    async predict(path: string) {
      const { model, config } = await load(path);
      const others = parseCsv(rawRows(40, 2, false), { ...options, text: ["kind"] });
      await print(model, tableEncoder(config).inputs(others));
    },
  },
  text: {
    async learn(path: string) {
      const { texts, labels } = rawTexts(300, 1);
      const words = textVectorization({ maxTokens: 40, outputSequenceLength: 6 }).adapt(texts);
      const { data, shape } = words.apply(texts);
      const set = arrays(data as Float32Array, labels.map((label) => [label]), {
        inputShape: shape.slice(1),
      });
      const layers = [input([6]), embedding(words.tokens.length, 4), flatten(), dense(1, sigmoid)];
      const model = await learn(layers, set, path, words.config);
      await print(model, words.apply(rawTexts(40, 2).texts));
    },
    async predict(path: string) {
      const { model, config } = await load(path);
      await print(model, textVectorization(config).apply(rawTexts(40, 2).texts));
    },
  },
};

const [kind, action, path] = Deno.args as ["table" | "text", "learn" | "predict", string];
await parts[kind][action](path);
