/** Generation: what is kept gives the logits of the whole sequence, and the choice of tokens. */
import assert from "node:assert/strict";
import { lastValueFrom, type Observable, take, toArray } from "rxjs";
import type { Device } from "../../../core/graph/device.ts";
import type { Program } from "../../../core/graph/program.ts";
import type { AnyModel } from "../../../core/nn/connect.ts";
import { Decoder } from "../../../core/stream/decoder.ts";
import { checkScores } from "../../../core/stream/generation.ts";
import { Run } from "../../../core/stream/run.ts";
import { sampleToken } from "../../../core/stream/sample_token.ts";
import {
  beamSearch,
  dense,
  embedding,
  generate,
  type GenerateOptions,
  input,
  lstm,
  type Model,
  multiHeadAttention,
  openCpu,
  predict,
  sequential,
  type StoredInputs,
  withInputShape,
} from "../../../mod.ts";
import { deviceTest } from "../../training/devices.ts";
import {
  classes,
  language,
  listener,
  odd,
  sequences,
  steps,
  stored,
  translator,
  words,
} from "./generate_models.ts";

/** Logits of every step, `[step][sequence · classes]`: a few tokens at first, then one by one. */
async function stepwise(device: Device, model: AnyModel, inputs: object, tokens: string | null) {
  const run = new Run(device, false, { seed: 0, samples: 2 });
  run.addModel(model);
  const options = { batch: 2, length: steps, inputs: inputs as never, tokens };
  const decoder = new Decoder(run, model, options);
  const rows: number[][] = [];
  rows[1] = [...await decoder.next(sequences.map((row) => row.slice(0, 2)))];
  for (let at = 2; at < steps; at++) {
    rows[at] = [...await decoder.next(sequences.map((row) => [row[at]]))];
  }
  decoder.dispose();
  await run.finish();
  return rows;
}

function assertSame(rows: number[][], whole: Float32Array): void {
  rows.forEach((row, at) =>
    row.forEach((value, place) => {
      const [sequence, token] = [Math.floor(place / classes), place % classes];
      const expected = whole[(sequence * steps + at) * classes + token];
      assert.ok(Math.abs(value - expected) <= 2e-5 * (1 + Math.abs(expected)), `${at}: ${value}`);
    })
  );
}

const cpu = { device: "cpu", threads: 1 } as const;
const known = {
  language: await predict(language(), stored(sequences), cpu),
  odd: await predict(odd() as Model, stored(sequences), cpu),
  translator: await predict(translator(), { letters: words, sounds: stored(sequences) }, cpu),
  listener: await predict(listener(), { letters: words, sounds: stored(sequences) }, cpu),
};

await deviceTest(
  "what is kept gives the logits of the whole sequence",
  async (device) => {
    assertSame(await stepwise(device, language(), {}, null), known.language.data);
    assertSame(
      await stepwise(device, translator(), { letters: words }, "sounds"),
      known.translator.data,
    );
  },
  "reference",
  "cpu, 2",
  "webgpu",
);

await deviceTest(
  "recurrent layers go on from their states, and at first from an encoder's",
  async (device) => {
    const rows = await stepwise(device, listener(), { letters: words }, "sounds");
    assertSame(rows, known.listener.data);
  },
  "reference",
  "cpu, 2",
  "webgpu",
);

Deno.test("generating by recurrent layers gives the likeliest tokens of predict, from one token on", async () => {
  const model = listener();
  const whole = [[2], [0]];
  while (whole[0].length < steps) {
    const padded = whole.map((row) => [...row, ...Array(steps).fill(1)].slice(0, steps));
    const { data } = await predict(model, { letters: words, sounds: stored(padded) }, cpu);
    whole.forEach((row, sequence) => {
      const from = (sequence * steps + row.length - 1) * classes;
      const logits = [...data.slice(from, from + classes)];
      row.push(logits.indexOf(Math.max(...logits)));
    });
  }
  const options = { inputs: { letters: words }, temperature: 0, ...cpu };
  const found = await all(generate(model, [[2], [0]], options));
  assert.deepEqual(found.map(([first]) => first), whole[0].slice(1));
  assert.deepEqual(found.map(([, second]) => second), whole[1].slice(1));
});

Deno.test("inputs besides the tokens are what predict takes: rows, flat numbers, scaled bytes", async () => {
  const { data, shape } = words;
  using device = openCpu({ threads: 1 });
  const logits = (letters: StoredInputs) => stepwise(device, translator(), { letters }, "sounds");
  const expected = await logits(words);
  const bytes = { data: Uint8Array.from(data, (token) => 2 * token + 4), shape };
  assert.deepEqual(await logits({ ...bytes, scale: 0.5, offset: -2 }), expected);
  assert.notDeepEqual(await logits({ ...bytes, scale: 0.25 }), expected);

  const rows = [data.slice(0, 5), data.slice(5)].map((row) => [...row]);
  const tokens = (letters: NonNullable<GenerateOptions["inputs"]>[string]) =>
    all(generate(translator(), [[2], [0]], { inputs: { letters }, seed: 1, ...cpu }));
  const drawn = await tokens(words);
  assert.deepEqual(await tokens(rows), drawn);
  assert.deepEqual(await tokens(Float32Array.from(data)), drawn);
  await assert.rejects(tokens({ data, shape: [2, 6] }), /input letters.*12 numbers: received 10/);
  await assert.rejects(tokens([["a"]] as never), /Cannot generate as inputs/);
});

await deviceTest(
  "positions, padding and shared heads are kept too",
  async (device) => {
    assertSame(await stepwise(device, odd(), {}, null), known.odd.data);
  },
  "reference",
  "cpu, 1",
);

Deno.test("a token costs the work for one, and the encoder runs once", async () => {
  const device = openCpu({ threads: 1 });
  const programs: Program[] = [];
  const spy = new Proxy(device, {
    get: (target, name) => {
      if (name === "prepare") {
        return (program: Program, ...rest: [never]) => {
          programs.push(program);
          return target.prepare(program, ...rest);
        };
      }
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  await stepwise(spy, translator(), { letters: words }, "sounds");
  // For two tokens and for one, each with what stays before it.
  assert.equal(programs.length, 4);
  const counts = programs.map(({ order }) =>
    order.filter(({ operation }) => operation.name === "matmul").map(({ shape }) => shape[0])
  );
  const [encoder, , , one] = counts;
  assert.ok(encoder.every((rows) => rows === 2 * 5), `${encoder}`);
  assert.ok(one.length > 0 && one.every((rows) => rows === 2), `${one}`);
  device.dispose();
});

const all = <Value>(source: Observable<Value>) => lastValueFrom(source.pipe(toArray()));

Deno.test("the likeliest tokens are those of predict, one prompt or several", async () => {
  const model = language();
  const whole = [3, 5];
  while (whole.length < steps) {
    const { data } = await predict(
      model,
      stored([[...whole, ...Array(7).fill(0)].slice(0, 7)]),
      cpu,
    );
    const row = data.subarray((whole.length - 1) * classes, whole.length * classes);
    whole.push(row.indexOf(Math.max(...row)));
  }
  const likeliest = { temperature: 0, ...cpu };
  assert.deepEqual(await all(generate(model, [3, 5], likeliest)), whole.slice(2));
  const both = await all(generate(model, [[8, 1], [3, 5]], likeliest));
  assert.deepEqual(both.map(([, second]) => second), whole.slice(2));
  const [first, second] = whole.slice(2);
  const stopped = first === second ? [] : [first];
  assert.deepEqual(await all(generate(model, [3, 5], { ...likeliest, stop: second })), stopped);
  assert.deepEqual(await all(generate(model, [3, 5], { ...likeliest, topK: 1, temperature: 2 })), [
    ...whole.slice(2),
  ]);
  assert.deepEqual(
    await all(generate(model, [3, 5], { ...likeliest, maxLength: 4 })),
    whole.slice(2, 4),
  );
});

Deno.test("a seed gives the same tokens, another one others; a stream can be left", async () => {
  const model = language();
  const once = await all(generate(model, [1], { seed: 4, temperature: 3, ...cpu }));
  assert.equal(once.length, 6);
  assert.deepEqual(await all(generate(model, [1], { seed: 4, temperature: 3, ...cpu })), once);
  assert.notDeepEqual(await all(generate(model, [1], { seed: 5, temperature: 3, ...cpu })), once);
  const tokens = generate(model, [1], { seed: 4, temperature: 3, ...cpu }).pipe(take(2), toArray());
  assert.deepEqual(await lastValueFrom(tokens), once.slice(0, 2));
});

Deno.test("tokens are drawn by their probabilities", () => {
  const logits = [0.2, 0.5, 0.2, 0.1].map(Math.log);
  const shares = (options: Parameters<typeof sampleToken>[1]) => {
    const counts = [0, 0, 0, 0];
    for (let at = 0; at < 1000; at++) counts[sampleToken(logits, options, (at + 0.5) / 1000)]++;
    return counts;
  };
  assert.deepEqual(shares({}), [200, 500, 200, 100]);
  assert.deepEqual(shares({ topK: 2 }), [286, 714, 0, 0]);
  assert.deepEqual(shares({ topP: 0.6 }), [286, 714, 0, 0]);
  assert.deepEqual(shares({ topP: 0.5 }), [0, 1000, 0, 0]);
  assert.deepEqual(shares({ temperature: 0 }), [0, 1000, 0, 0]);
  const [, likeliest] = shares({ temperature: 0.5 });
  assert.equal(likeliest, Math.round(1000 * 0.25 / 0.34));
});

Deno.test("a model for inputs of other sizes has the same weights", async () => {
  const model = language();
  const short = withInputShape(model, [3]);
  assert.deepEqual(short.outputShape, [3, classes]);
  assert.deepEqual(short.parameters, model.parameters);
  const { data } = await predict(short, stored(sequences.map((row) => row.slice(0, 3))), cpu);
  data.subarray(0, 3 * classes).forEach((value, at) =>
    assert.ok(Math.abs(value - known.language.data[at]) < 1e-5)
  );
  assert.throws(() => withInputShape(model, [8]), /at most 7 steps/);
});

Deno.test("what cannot be generated is refused", () => {
  const model = language();
  assert.throws(() => generate(model, []), /prompts must be equally long/);
  assert.throws(() => generate(model, [[1], [1, 2]]), /equally long.*received 1, 2/);
  assert.throws(() => generate(model, [1, 2, 3], { maxLength: 2 }), /1 to 2 tokens/);
  assert.throws(() => generate(model, [1], { temperature: -1 }), /temperature.*at least 0/);
  assert.throws(() => generate(model, [1], { topP: 0 }), /topP/);
  assert.throws(() => generate(model, [1], { stop: -1 }), /a stop of generate .*received -1/);
  assert.throws(() => generate(model, [1], { topK: 0 }), /topK/);
  assert.throws(() => generate(translator(), [1]), /received none for letters, sounds/);
  assert.throws(
    () => generate(translator(), [1], { inputs: { letters: words }, tokens: "letters" }),
    /received none for sounds/,
  );
  assert.throws(
    () => generate(translator(), [1], { inputs: { letters: words, noises: words } }),
    /no input noises: it has letters, sounds/,
  );
});

Deno.test("logits are refused where probabilities should be", async () => {
  const message =
    /Cannot choose token 1 as with fromLogits: false .* probabilities .*: received -?\d/;
  const options = { ...cpu, fromLogits: false };
  await assert.rejects(all(generate(language(), [1], options)), message);
  await assert.rejects(beamSearch(language(), [1], options), message);
  assert.throws(
    () => checkScores(Float32Array.of(0.2, 1.25), 3, false),
    /token 3 .*received 1\.25/,
  );
  checkScores(Float32Array.of(0.2, 1.0005), 3, false);
});

Deno.test("layers that see a sequence as a whole are refused, and so is a wrong token", async () => {
  const recurrent = sequential([
    input([steps]),
    embedding(classes, 4),
    lstm(4, { returnSequences: true, goBackwards: true }),
    dense(classes),
  ]);
  await assert.rejects(all(generate(recurrent, [1], cpu)), /lstm_1 \(LSTM\) has to see.*whole/);
  const seeing = sequential([
    input([steps]),
    embedding(classes, 4),
    multiHeadAttention(2, 2),
    dense(classes),
  ]);
  await assert.rejects(all(generate(seeing, [1], cpu)), /multi_head.*expected useCausalMask/);
  await assert.rejects(all(generate(language(), [99], cpu)), /gives NaN.*vocabulary/);
  await assert.rejects(
    all(generate(language(), [1], { maxLength: steps + 3, ...cpu })),
    /Cannot choose token 8 as .* no more than it has learnt places for \(maxLength\)/,
  );
});
