import { Observable as Stream } from "rxjs";
import type { AnyModel } from "../nn/connect.ts";
import { checkCount } from "../nn/check_count.ts";
import type { Tensors } from "../nn/named.ts";
import type { Observable } from "../nn/rxjs_types.ts";
import type { Model } from "../nn/model.ts";
import { foldKey } from "../state/fold_key.ts";
import { RandomStream } from "../state/random_stream.ts";
import { Decoder } from "./decoder.ts";
import {
  checkGeneration,
  checkScores,
  type GenerationOptions,
  type GenerationPlace,
  inputsOf,
} from "./generation.ts";
import { openDevice } from "./open_device.ts";
import { Run } from "./run.ts";
import { checkSampling, sampleToken, type TokenSampling } from "./sample_token.ts";
import { settled } from "./settled.ts";
import { Turns } from "./yield_to_events.ts";

/** Options of {@link generate}. */
export interface GenerateOptions extends GenerationOptions, TokenSampling {
  /** Seed of the choice, a whole number from 0; default 0. */
  readonly seed?: number;
}

/**
 * Tokens that a model of sequences goes on with, one by one.
 *
 * Each token is drawn by the probabilities that the model gives for the one behind the last, and is
 * then given to the model. Attention keeps the keys and values of all tokens so far, a recurrent layer
 * its states: a token costs the work for one, however long the sequence, and what follows from other
 * inputs, as what an encoder makes of them, is computed once.
 *
 * The model is one of causal attention, {@link transformerDecoder} or {@link multiHeadAttention} with
 * `useCausalMask`, of recurrent layers with `returnSequences`, and of layers that work on each step by
 * itself; it gives `[steps, tokens]`. A stateful layer begins anew, with any number of prompts, and
 * what it carries from batch to batch stays as it is.
 *
 * @param model The model.
 * @param prompt First tokens of the sequence, at least one; or those of several sequences, equally
 * many of each.
 * @param options How tokens are chosen, where a sequence ends, device.
 * @returns The tokens behind the prompt, one at a time; for several prompts a token of each, where a
 * sequence that has ended repeats its stop token. A new subscriber begins anew.
 * @throws {RangeError} when an option is out of its range, or a prompt is empty or too long.
 * @throws {Error} when a layer of the model has to see a sequence as a whole.
 *
 * @example
 * ```ts
 * import {
 *   dense,
 *   generate,
 *   input,
 *   sequential,
 *   tokenAndPositionEmbedding,
 *   transformerDecoder,
 * } from "@millrace/millrace";
 * import { lastValueFrom, toArray } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([
 *   input([12]),
 *   tokenAndPositionEmbedding(30, 12, 8),
 *   transformerDecoder(16, 2),
 *   dense(30),
 * ]);
 * const tokens = generate(model, [1, 7], { topK: 5, seed: 3, device: "cpu", threads: 1 });
 * assert.equal((await lastValueFrom(tokens.pipe(toArray()))).length, 10);
 * ```
 *
 * KerasHub: `CausalLM.generate` with `TopKSampler` and others. Hugging Face: `generate`.
 */
export function generate<X extends Tensors, O extends Tensors>(
  model: Model<X, O>,
  prompt: readonly number[],
  options?: GenerateOptions,
): Observable<number>;
/** Tokens that a model goes on with, of several sequences side by side. */
export function generate<X extends Tensors, O extends Tensors>(
  model: Model<X, O>,
  prompt: readonly (readonly number[])[],
  options?: GenerateOptions,
): Observable<number[]>;
export function generate(
  model: AnyModel,
  prompt: readonly number[] | readonly (readonly number[])[],
  options: GenerateOptions = {},
): Observable<number | number[]> {
  const single = typeof prompt[0] === "number";
  const prompts = single ? [prompt as number[]] : prompt as number[][];
  checkSampling("generate", options);
  checkCount("the seed of generate", options.seed ?? 0);
  const { tokens, maxLength } = checkGeneration("generate", model, prompts, options);
  return new Stream((subscriber) => {
    const state = { closed: false, turns: new Turns() };
    const produce = async () => {
      for await (const row of rows(model, prompts, { ...options, tokens, maxLength }, state)) {
        if (state.closed) return;
        subscriber.next(single ? row[0] : row);
      }
      subscriber.complete();
    };
    produce().catch((error) => subscriber.error(error));
    return () => {
      state.closed = true;
      state.turns.stop();
    };
  });
}

async function* rows(
  model: AnyModel,
  prompts: readonly (readonly number[])[],
  options: Omit<GenerateOptions, "tokens"> & GenerationPlace,
  state: { readonly closed: boolean; readonly turns: Turns },
): AsyncGenerator<number[]> {
  const { maxLength, tokens, seed = 0, inputs = {}, fromLogits = true } = options;
  const stops = [options.stop ?? []].flat();
  await settled(model);
  const { device, owned } = await openDevice(options, maxLength);
  const run = new Run(device, owned, { seed, samples: prompts.length });
  let decoder: Decoder | undefined;
  try {
    run.addModel(model);
    decoder = new Decoder(run, model, {
      batch: prompts.length,
      length: maxLength,
      inputs: inputsOf(model, inputs),
      tokens,
    });
    const random = new RandomStream(foldKey(seed, "generate"));
    const ended = prompts.map(() => -1);
    let given = prompts;
    for (let length = prompts[0].length; length < maxLength && !state.closed; length++) {
      const scores = await decoder.next(given);
      const classes = scores.length / prompts.length;
      const row = prompts.map((_, place) => {
        const own = scores.subarray(place * classes, (place + 1) * classes);
        checkScores(own, length, fromLogits);
        const logits = fromLogits ? own : own.map(Math.log);
        const chosen = sampleToken(logits, options, random.uniform());
        if (ended[place] >= 0) return ended[place];
        if (stops.includes(chosen)) ended[place] = chosen;
        return chosen;
      });
      if (ended.every((token) => token >= 0)) return;
      yield row;
      given = row.map((token) => [token]);
      const turn = state.turns.due();
      if (turn) await turn;
    }
  } finally {
    decoder?.dispose();
    await run.finish();
  }
}
