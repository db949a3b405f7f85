import type { Inputs } from "../../data/data_set.ts";
import type { InputValues } from "../../data/store_arrays.ts";
import { NonFiniteError } from "../graph/errors.ts";
import { checkCount } from "../nn/check_count.ts";
import type { AnyModel } from "../nn/connect.ts";
import { storedInputs } from "./inference_data.ts";
import type { DeviceOptions } from "./open_device.ts";

/** Options of what goes on with sequences of tokens. */
export interface GenerationOptions extends DeviceOptions {
  /** Tokens of the longest sequence, those of the prompt included; default the model's steps. */
  readonly maxLength?: number;
  /** Token, or tokens, that end a sequence; it is not given. By default none does. */
  readonly stop?: number | readonly number[];
  /** Whether the model gives logits, rather than probabilities; default true. */
  readonly fromLogits?: boolean;
  /**
   * Inputs besides the tokens, of a model that has some: by name a sample for each prompt, as {@link
   * predict} takes them.
   */
  readonly inputs?: Readonly<Record<string, InputValues>>;
  /** Name of the input of tokens, of a model with several; by default the one that is not given. */
  readonly tokens?: string;
}

/** Where the tokens go in, and how long sequences are. */
export interface GenerationPlace {
  readonly tokens: string | null;
  readonly maxLength: number;
}

/** The inputs besides the tokens, as they are stored. */
export function inputsOf(
  model: AnyModel,
  inputs: NonNullable<GenerationOptions["inputs"]>,
): Inputs {
  return Object.keys(inputs).length === 0 ? {} : storedInputs(model, inputs, "generate as inputs");
}

/** Refuses scores of token `length` that are NaN, or that are no probabilities where they should be. */
export function checkScores(scores: Float32Array, length: number, fromLogits: boolean): void {
  if (scores.some(Number.isNaN)) {
    throw new NonFiniteError(
      `Cannot choose token ${length} as the model gives NaN for it: are all tokens of the prompt in ` +
        `its vocabulary, and are there no more than it has learnt places for (maxLength)?`,
      length,
    );
  }
  // A sum of rounded shares may be a little above 1.
  const strange = fromLogits ? undefined : scores.find((score) => score < 0 || score > 1.001);
  if (strange === undefined) return;
  throw new RangeError(
    `Cannot choose token ${length} as with fromLogits: false the model must give probabilities from ` +
      `0 to 1: received ${strange} (leave fromLogits out where it ends without a softmax)`,
  );
}

/**
 * Where tokens go in, and how long sequences are.
 *
 * @param factory The function that the user calls.
 * @throws {RangeError} when inputs are missing, or prompts do not fit.
 */
export function checkGeneration(
  factory: string,
  model: AnyModel,
  prompts: readonly (readonly number[])[],
  options: GenerationOptions,
): GenerationPlace {
  const { inputs = {} } = options;
  const { inputKeys } = model.definition;
  const free = inputKeys.filter((key) => key === null || !Object.hasOwn(inputs, key));
  const unknown = Object.keys(inputs).filter((name) => !inputKeys.includes(name));
  if (unknown.length > 0) {
    throw new RangeError(
      `Cannot generate as the model ${model.name} has no input ${unknown.join(", ")}: it has ` +
        inputKeys.map((key) => key ?? "one without a name").join(", "),
    );
  }
  const tokens = options.tokens ?? free[0];
  if (free.length !== 1 || free[0] !== tokens) {
    throw new RangeError(
      `Cannot generate as all inputs of the model ${model.name} but that of tokens must be given: ` +
        `received none for ${free.map((key) => key ?? "its input").join(", ") || "no input"}`,
    );
  }
  const shapes = model.inputShape as Record<string, readonly number[]> | readonly number[];
  const shape = Array.isArray(shapes)
    ? shapes
    : (shapes as Record<string, readonly number[]>)[tokens ?? ""];
  const { maxLength = shape[0] } = options;
  checkCount(`the maxLength of ${factory}`, maxLength, 1);
  for (const token of [options.stop ?? []].flat()) checkCount(`a stop of ${factory}`, token);
  const lengths = prompts.map(({ length }) => length);
  const [first = 0] = lengths;
  if (first < 1 || first > maxLength || lengths.some((length) => length !== first)) {
    throw new RangeError(
      `Cannot generate as prompts must be equally long, of 1 to ${maxLength} tokens: received ` +
        `${lengths.join(", ") || "none"}`,
    );
  }
  return { tokens, maxLength };
}
