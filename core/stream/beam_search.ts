import type { Inputs, StoredInputs } from "../../data/data_set.ts";
import { checkCount } from "../nn/check_count.ts";
import { checkScalar } from "../nn/check_scalar.ts";
import type { AnyModel } from "../nn/connect.ts";
import type { Model } from "../nn/model.ts";
import type { Tensors } from "../nn/named.ts";
import { Beams, type FoundSequence } from "./beams.ts";
import { Decoder } from "./decoder.ts";
import { checkGeneration, checkScores, type GenerationOptions, inputsOf } from "./generation.ts";
import { openDevice } from "./open_device.ts";
import { numbersOf } from "./request_batches.ts";
import { Run } from "./run.ts";
import { settled } from "./settled.ts";
import { Turns } from "./yield_to_events.ts";

/** Options of {@link beamSearch}. */
export interface BeamSearchOptions extends GenerationOptions {
  /** Sequences that are kept at each token, from 1; default 5. */
  readonly numBeams?: number;
  /**
   * How much longer sequences are favoured: the logarithm of a sequence's probability is divided by its
   * number of tokens to this power. 0 takes the likeliest, 1 (default) the best mean.
   */
  readonly lengthPenalty?: number;
  /** How many sequences are given for each prompt, from 1 to `numBeams`; default 1. */
  readonly numReturnSequences?: number;
}

/**
 * The sequences that a model thinks likeliest behind a prompt, by a beam search.
 *
 * At each token the likeliest sequences so far go on, each with every token, and the likeliest of all
 * these are kept. One that a stop token ends is put aside; the search is over when none that goes on can
 * pass those. What attention and recurrent layers keep goes along with the sequences, as in {@link
 * generate}, whose models it takes.
 *
 * @param model The model.
 * @param prompt First tokens of the sequence, at least one; or those of several sequences, equally
 * many of each.
 * @param options Beams, length penalty, where a sequence ends, inputs, device.
 * @returns For each prompt the best sequences, the best first: for one prompt a list, for several a list
 * of lists.
 * @throws {RangeError} when an option is out of its range, or a prompt is empty or too long.
 * @throws {Error} when a layer of the model has to see a sequence as a whole.
 *
 * @example
 * ```ts
 * import {
 *   beamSearch,
 *   dense,
 *   input,
 *   sequential,
 *   tokenAndPositionEmbedding,
 *   transformerDecoder,
 * } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([
 *   input([8]),
 *   tokenAndPositionEmbedding(20, 8, 6),
 *   transformerDecoder(8, 2),
 *   dense(20),
 * ]);
 * const options = { numBeams: 3, numReturnSequences: 2, stop: 0, device: "cpu", threads: 1 } as const;
 * const [best, next] = await beamSearch(model, [1, 7], options);
 * assert(best.score >= next.score);
 * assert(best.tokens.length <= 6);
 * ```
 *
 * KerasHub: `BeamSampler(num_beams=5)`, which has no stop and no penalty. Hugging Face: `generate` with
 * `num_beams`, `length_penalty` and `early_stopping="never"`.
 */
export function beamSearch<X extends Tensors, O extends Tensors>(
  model: Model<X, O>,
  prompt: readonly number[],
  options?: BeamSearchOptions,
): Promise<FoundSequence[]>;
/** The likeliest sequences behind several prompts, side by side. */
export function beamSearch<X extends Tensors, O extends Tensors>(
  model: Model<X, O>,
  prompt: readonly (readonly number[])[],
  options?: BeamSearchOptions,
): Promise<FoundSequence[][]>;
export async function beamSearch(
  model: AnyModel,
  prompt: readonly number[] | readonly (readonly number[])[],
  options: BeamSearchOptions = {},
): Promise<FoundSequence[] | FoundSequence[][]> {
  const { numBeams = 5, numReturnSequences = 1, lengthPenalty = 1, fromLogits = true } = options;
  checkCount("the numBeams of beamSearch", numBeams, 1);
  checkCount("the numReturnSequences of beamSearch", numReturnSequences, 1);
  checkScalar("the lengthPenalty of beamSearch", lengthPenalty);
  if (numReturnSequences > numBeams) {
    throw new RangeError(
      `Cannot search as numReturnSequences must be at most numBeams: received ` +
        `${numReturnSequences} of ${numBeams}`,
    );
  }
  const single = typeof prompt[0] === "number";
  const prompts = single ? [prompt as number[]] : prompt as number[][];
  const { tokens, maxLength } = checkGeneration("beamSearch", model, prompts, options);
  const inputs = repeated(inputsOf(model, options.inputs ?? {}), numBeams);
  await settled(model);
  const { device, owned } = await openDevice(options, maxLength);
  const batch = prompts.length * numBeams;
  const run = new Run(device, owned, { seed: 0, samples: batch });
  const turns = new Turns();
  let decoder: Decoder | undefined;
  try {
    run.addModel(model);
    decoder = new Decoder(run, model, { batch, length: maxLength, inputs, tokens, branches: true });
    const settings = {
      beams: numBeams,
      lengthPenalty,
      stops: [options.stop ?? []].flat(),
      mostTokens: maxLength - prompts[0].length,
    };
    const searches = prompts.map(() => new Beams(settings));
    let given: readonly (readonly number[])[] = prompts.flatMap((row) =>
      Array.from({ length: numBeams }, () => row)
    );
    let parents = given.map((_, place) => place);
    for (let length = prompts[0].length; searches.some(({ ended }) => !ended); length++) {
      const scores = await decoder.next(given, parents);
      checkScores(scores, length, fromLogits);
      const classes = scores.length / batch;
      const moves = searches.flatMap((search, place) => {
        const first = place * numBeams;
        const own = scores.subarray(first * classes, (first + numBeams) * classes);
        return search.goOn(own, fromLogits).map(({ token, from }) => [token, first + from]);
      });
      given = moves.map(([token]) => [token]);
      parents = moves.map(([, from]) => from);
      const turn = turns.due();
      if (turn) await turn;
    }
    const found = searches.map((search) => search.best(numReturnSequences));
    return single ? found[0] : found;
  } finally {
    turns.stop();
    decoder?.dispose();
    await run.finish();
  }
}

/** Each sample so many times, side by side. */
function repeated(inputs: Inputs, times: number): Inputs {
  const named = inputs as Readonly<Record<string, StoredInputs>>;
  return Object.fromEntries(
    Object.entries(named).map(([name, part]) => {
      const { shape } = part;
      const data = numbersOf(part);
      const size = data.length / shape[0];
      const copies = Float32Array.from({ length: data.length * times }, (_, at) => {
        const sample = Math.floor(at / size / times);
        return data[sample * size + at % size];
      });
      return [name, { data: copies, shape: [shape[0] * times, ...shape.slice(1)] }];
    }),
  );
}
