/** Layers of several inputs, and of several axes, where a sequence comes a few steps at a time. */
import assert from "node:assert/strict";
import { lastValueFrom, toArray } from "rxjs";
import {
  addLayer,
  concatenate,
  connect,
  dense,
  embedding,
  functional,
  generate,
  groupNormalization,
  input,
  type Layer,
  layerNormalization,
  lstm,
  type ModelNode,
  multiHeadAttention,
  predict,
  repeatVector,
  reshapeLayer,
  sequential,
  softmaxLayer,
  unitNormalization,
} from "../../../mod.ts";
import { classes, shaken, steps } from "./generate_models.ts";

const cpu = { device: "cpu", threads: 1 } as const;
const picture = [[0.3, -1, 2]];

/** A model that says what is in a picture: `join` puts together words so far and the picture. */
function teller(join: (words: ModelNode, picture: ModelNode) => ModelNode) {
  const [seen, words] = [input([3]), input([steps])];
  const vectors = connect(words, embedding(classes, 8));
  const told = connect(join(vectors, seen), lstm(8, { returnSequences: true }), dense(classes));
  return shaken(functional({ inputs: { seen, words }, outputs: told, seed: 5 }));
}

type Teller = ReturnType<typeof teller>;

/** The likeliest words, each by a `predict` of the whole sequence. */
async function byPredict(model: Teller, prompt: readonly number[]): Promise<number[]> {
  const words = [...prompt];
  while (words.length < steps) {
    const padded = [...words, ...new Array<number>(steps - words.length).fill(0)];
    const { data } = await predict(model, { seen: picture, words: [padded] }, cpu);
    const row = [...data.subarray((words.length - 1) * classes, words.length * classes)];
    words.push(row.indexOf(Math.max(...row)));
  }
  return words.slice(prompt.length);
}

const generated = (model: Teller, prompt: readonly number[]) =>
  lastValueFrom(
    generate(model, prompt, { inputs: { seen: picture }, temperature: 0, ...cpu }).pipe(toArray()),
  );

const one = [dense(8), reshapeLayer([1, 8])] as const;

/** The picture as one step, and as parts that each word looks at. */
const joins: Record<string, Parameters<typeof teller>[0]> = {
  add: (words, seen) => connect([words, connect(seen, ...one)], addLayer()),
  "concatenate what each word has seen": (words, seen) => {
    const parts = connect(seen, dense(24), reshapeLayer([3, 8]));
    const looked = connect([words, parts], multiHeadAttention(2, 4));
    return connect([words, looked], concatenate());
  },
};
for (const [name, join] of Object.entries(joins)) {
  Deno.test(`generate goes on as predict does: ${name}`, async () => {
    const model = teller(join);
    for (const prompt of [[1], [3, 7]]) {
      assert.deepEqual(await generated(model, prompt), await byPredict(model, prompt));
    }
  });
}

Deno.test("a whole sequence beside steps that come one by one is refused", async () => {
  const repeated = teller((words, seen) =>
    connect([words, connect(seen, dense(8), repeatVector(steps))], addLayer())
  );
  await assert.rejects(
    generated(repeated, [1]),
    /add_1: expected inputs .* got one of 7 steps at once \(give it one step, \[1, 8\]/,
  );
});

Deno.test("layers that go over steps are refused, as they would see those so far alone", async () => {
  const layers: Layer[] = [
    softmaxLayer({ axis: 1 }),
    unitNormalization({ axis: -2 }),
    layerNormalization({ axis: [1, 2], center: false, scale: false }),
  ];
  const model = (layer: Layer) =>
    sequential([input([steps]), embedding(classes, 8), layer, dense(classes)]);
  const tokens = (layer: Layer) => lastValueFrom(generate(model(layer), [1], cpu).pipe(toArray()));
  for (const layer of layers) {
    await assert.rejects(
      tokens(layer),
      /_1: expected axes behind that of the steps, as this layer/,
    );
  }
  await assert.rejects(
    tokens(groupNormalization({ groups: 2 })),
    /has to see a sequence as a whole/,
  );
  assert.equal((await tokens(softmaxLayer())).length, steps - 1);
});

Deno.test("a layer that sees a sequence as a whole is refused in a model of several inputs, too", async () => {
  const within = (goBackwards: boolean) => {
    const [vectors, step] = [input([steps, 8]), input([1, 8])];
    const read = connect(vectors, lstm(8, { returnSequences: true, goBackwards }));
    return functional({ inputs: { vectors, step }, outputs: connect([read, step], addLayer()) });
  };
  const model = (goBackwards: boolean) =>
    teller((vectors, seen) =>
      connect({ vectors, step: connect(seen, ...one) }, within(goBackwards))
    );
  await assert.rejects(generated(model(true), [1]), /lstm_1 \(LSTM\) has to see.*as a whole/);
  const forwards = model(false);
  assert.deepEqual(await generated(forwards, [1]), await byPredict(forwards, [1]));
});
