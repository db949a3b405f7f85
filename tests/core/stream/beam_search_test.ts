/** Beam search: the likeliest sequences, whose probabilities are those of the whole sequence. */
import assert from "node:assert/strict";
import type { AnyModel } from "../../../core/nn/connect.ts";
import {
  beamSearch,
  type BeamSearchOptions,
  type FoundSequence,
  generate,
  type Model,
  predict,
  sequential,
  softmaxLayer,
} from "../../../mod.ts";
import { lastValueFrom, toArray } from "rxjs";
import { testOnDevices } from "../../devices.ts";
import { assertClose } from "../nn/close.ts";
import { classes, language, listener, odd, steps, translator, words } from "./generate_models.ts";

const cpu = { device: "cpu", threads: 1 } as const;

/** Logarithms of the probabilities of each next token of sequences, `[sequence][step][token]`. */
async function told(model: AnyModel, sequences: readonly (readonly number[])[], letters?: object) {
  const padded = sequences.map((row) => [...row, ...Array(steps).fill(1)].slice(0, steps));
  const tokens = { data: Float32Array.from(padded.flat()), shape: [padded.length, steps] };
  const x = letters ? { letters, sounds: tokens } : tokens;
  const { data } = await predict(model as Model, x as typeof tokens, { device: "reference" });
  return padded.map((_, sequence) =>
    Array.from({ length: steps }, (_, step) => {
      const first = (sequence * steps + step) * classes;
      const logits = [...data.slice(first, first + classes)];
      const total = Math.log(logits.reduce((sum, one) => sum + Math.exp(one), 0));
      return logits.map((one) => one - total);
    })
  );
}

/** The letters of a prompt, for so many sequences. */
function lettersOf(prompt: number, count: number) {
  const row = words.data.slice(5 * prompt, 5 * prompt + 5);
  return {
    data: Float32Array.from({ length: 5 * count }, (_, at) => row[at % 5]),
    shape: [count, 5],
  };
}

const models: [string, () => AnyModel, withLetters: boolean][] = [
  ["attention", language, false],
  ["shared heads and rotation", odd, false],
  ["a translator", translator as () => AnyModel, true],
  ["recurrent layers", listener as () => AnyModel, true],
];

await testOnDevices(
  "each sequence has the probability that predict gives the whole",
  async (device) => {
    // WebGPU compiles slowly on a software adapter.
    for (
      const [name, make, withLetters] of device.device === "webgpu" ? models.slice(1, 2) : models
    ) {
      const model = make() as Model;
      const prompts = [[3, 5], [8, 1]];
      const stop = [2, 9];
      const options: BeamSearchOptions = {
        ...device,
        numBeams: 4,
        numReturnSequences: 4,
        lengthPenalty: 0.5,
        stop,
        ...(withLetters && { inputs: { letters: words } }),
      };
      const found = await beamSearch(model, prompts, options);
      for (const [prompt, sequences] of found.entries()) {
        assert.equal(sequences.length, 4, name);
        const whole = sequences.map(({ tokens }) => [...prompts[prompt], ...tokens]);
        const letters = withLetters ? lettersOf(prompt, 4) : undefined;
        const known = await told(model, whole, letters);
        for (const [place, { tokens, logProbability, score }] of sequences.entries()) {
          let expected = 0;
          tokens.forEach((token, at) => expected += known[place][1 + at][token]);
          const full = tokens.length === steps - 2;
          if (!full) {
            // It was ended by one of the stop tokens.
            const ends = stop.map((token) => expected + known[place][1 + tokens.length][token]);
            expected = ends.find((one) => Math.abs(one - logProbability) < 1e-3) ?? NaN;
          }
          assertClose([logProbability], [expected], 1e-4, `${name} ${prompt} ${place}`);
          const length = tokens.length + (full ? 0 : 1);
          assertClose([score], [logProbability / length ** 0.5], 1e-6, "score");
          assert(tokens.every((token) => !stop.includes(token)));
        }
        const scores = sequences.map(({ score }) => score);
        assert.deepEqual(scores, [...scores].sort((a, b) => b - a));
      }
    }
  },
);

/** A beam search that looks at whole sequences, without ends. */
async function plain(model: AnyModel, prompt: number[], beams: number, count: number) {
  let kept = [{ tokens: [] as number[], sum: 0 }];
  for (let step = 0; step < count; step++) {
    const known = await told(model, kept.map(({ tokens }) => [...prompt, ...tokens]));
    kept = kept.flatMap(({ tokens, sum }, place) =>
      known[place][prompt.length - 1 + step].map((one, token) => ({
        tokens: [...tokens, token],
        sum: sum + one,
      }))
    ).sort((a, b) => b.sum - a.sum).slice(0, beams);
  }
  return kept;
}

Deno.test("it keeps the likeliest at each token; with beams for all, the likeliest of all are found", async () => {
  const model = language();
  for (const [beams, count] of [[1, 5], [3, 5], [121, 2]]) {
    const expected = await plain(model, [3, 5], beams, count);
    const options = { ...cpu, numBeams: beams, numReturnSequences: Math.min(beams, 3) };
    const found = await beamSearch(model, [3, 5], { ...options, maxLength: 2 + count });
    assert.deepEqual(
      found.map(({ tokens }) => [...tokens]),
      expected.slice(0, 3).map(({ tokens }) => tokens),
    );
    assertClose(
      found.map(({ score }) => score),
      expected.slice(0, 3).map(({ sum }) => sum / count),
      1e-5,
    );
  }
  const greedy = await lastValueFrom(
    generate(model, [3, 5], { ...cpu, temperature: 0 }).pipe(toArray()),
  );
  const [{ tokens }] = await beamSearch(model, [3, 5], { ...cpu, numBeams: 1 });
  assert.deepEqual([...tokens], greedy);
});

Deno.test("the length penalty favours longer sequences, and stop tokens end them", async () => {
  const model = language();
  const lengths = await Promise.all([-2, 0, 1, 4].map(async (lengthPenalty) => {
    const options = { ...cpu, lengthPenalty, stop: [2, 6, 9], numBeams: 6 };
    const [best] = await beamSearch(model, [3, 5], options);
    return best.tokens.length;
  }));
  assert.deepEqual([...lengths].sort((a, b) => a - b), lengths);
  assert(lengths[3] > lengths[0], lengths.join());
  // All that may be said are stops: every sequence ends at once.
  const stop = Array.from({ length: classes }, (_, token) => token);
  const found = await beamSearch(model, [3], { ...cpu, stop, numBeams: 3, numReturnSequences: 3 });
  const [[first]] = await told(model, [[3]]);
  const likeliest = [...first].sort((a, b) => b - a).slice(0, 3);
  assert(found.every(({ tokens }: FoundSequence) => tokens.length === 0));
  assertClose(found.map(({ logProbability }) => logProbability), likeliest, 1e-5);
});

Deno.test("probabilities do as well as logits, and prompts go side by side as alone", async () => {
  const logits = language();
  const probabilities = sequential([logits, softmaxLayer()]);
  const options = { ...cpu, numBeams: 3, numReturnSequences: 3, stop: 4 };
  const expected = await beamSearch(logits, [3, 5], options);
  const found = await beamSearch(probabilities, [3, 5], { ...options, fromLogits: false });
  assert.deepEqual(found.map(({ tokens }) => tokens), expected.map(({ tokens }) => tokens));
  const [one, two] = await beamSearch(logits, [[3, 5], [8, 1]], options);
  const alone = await beamSearch(logits, [8, 1], options);
  assert.deepEqual([one, two].map((row) => row.map(({ tokens }) => tokens)), [
    expected.map(({ tokens }) => tokens),
    alone.map(({ tokens }) => tokens),
  ]);
  const whole = await beamSearch(logits, [1, 2, 3, 4, 5, 6, 7], cpu);
  assert.deepEqual(whole, [{ tokens: [], logProbability: 0, score: 0 }]);
});

Deno.test("a search refuses options and prompts out of range", async () => {
  const model = language();
  const refused: [BeamSearchOptions, RegExp][] = [
    [{ numBeams: 0 }, /the numBeams of beamSearch/],
    [{ numReturnSequences: 6 }, /at most numBeams: received 6 of 5/],
    [{ lengthPenalty: NaN }, /the lengthPenalty of beamSearch/],
    [{ maxLength: 0 }, /the maxLength of beamSearch/],
  ];
  for (const [options, message] of refused) {
    await assert.rejects(beamSearch(model, [1], { ...cpu, ...options }), message);
  }
  await assert.rejects(beamSearch(model, [[1], [1, 2]], cpu), /equally long/);
  await assert.rejects(beamSearch(model, [99], cpu), /NaN for it: are all tokens .* vocabulary/);
});
