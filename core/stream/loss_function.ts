import { ShapeError } from "../graph/errors.ts";
import { formatShape } from "../graph/shape.ts";
import { Tensor } from "../graph/tensor.ts";
import { entriesOf, listNames, tensorEntries, type Tensors } from "../nn/named.ts";
import type { ScalarSource } from "../nn/scalar.ts";
import { mul } from "../ops/mul.ts";
import { reshape } from "../ops/reshape.ts";
import { received } from "../state/received.ts";
import { type Score, score, type ScoreOptions } from "./score.ts";

/** What a loss that is a function goes by. */
export interface LossInputs<
  X extends Tensors = Tensor,
  Y extends Tensors = Tensor,
  O extends Tensors = Tensor,
> {
  /** Inputs, `[batch, ...features]`, f32. */
  readonly x: X;
  /** Targets; a record of none where the data set has none. */
  readonly y: Y;
  /** All outputs of the model. */
  readonly outputs: O;
}

/** The loss of a step, or its terms by name: each a number, or one a sample, `[batch]`, f32. */
export type LossTerms = Tensor | Readonly<Record<string, Tensor>>;

/**
 * A loss of all that a step knows. It is called with symbols when a run is planned, not at each step:
 * what changes from step to step belongs into the weights of its terms.
 */
export type LossFunction<
  X extends Tensors = Tensor,
  Y extends Tensors = Tensor,
  O extends Tensors = Tensor,
> = (step: LossInputs<X, Y, O>) => LossTerms;

/** A loss function, whatever it goes by. */
export type AnyLossFunction = (step: never) => LossTerms;

/** Factors of the terms of a loss function in their sum, by name; 1 where there is none. */
export type TermWeights = Readonly<Record<string, ScalarSource>>;

/** `Options` of a loss by outputs, where the loss is a function of the step instead. */
export type ByLossFunction<
  Options extends { readonly loss: unknown; readonly lossWeights?: unknown },
  X extends Tensors,
  Y extends Tensors,
  O extends Tensors,
> = Omit<Options, "loss" | "lossWeights"> & {
  /** A function of `x`, `y` and all `outputs`. */
  readonly loss: LossFunction<X, Y, O>;
  /** Factors of its terms in their sum, by name; default 1. */
  readonly lossWeights?: TermWeights;
};

/** A loss function with its weights. */
export interface JointCriterion {
  /** The function. */
  readonly terms: AnyLossFunction;
  /** Factors of its terms. */
  readonly weights: TermWeights;
}

/** A term of a loss function; its name is `null` where it stands alone. */
export interface ScoredTerm {
  /** Its name. */
  readonly name: string | null;
  /** The term as a score, without its weight. */
  readonly plain: Score;
  /** Its weight. */
  readonly weight: ScalarSource;
}

/** The terms of a loss function as scores. */
export function scoreTerms(
  { terms, weights }: JointCriterion,
  inputs: LossInputs<Tensors, Tensors, Tensors>,
  options: ScoreOptions,
): ScoredTerm[] {
  const made = (terms as LossFunction<Tensors, Tensors, Tensors>)(inputs);
  if (typeof made !== "object" || made === null) {
    throw new TypeError(
      `Cannot score a step as a loss function must give a tensor, or tensors by name: received ` +
        received(made),
    );
  }
  // What makes a loss is a function too.
  if (typeof made["apply" as never] === "function") {
    throw new TypeError(
      `Cannot score outputs as a loss must be one, such as meanSquaredError(): received ` +
        received(terms),
    );
  }
  const entries = entriesOf<Tensor>(made, (value) => value instanceof Tensor);
  const names = entries.map(([name]) => name);
  const strange = Object.keys(weights).find((name) => !names.includes(name));
  if (entries.length === 0 || strange !== undefined) {
    throw new RangeError(
      strange === undefined
        ? "Cannot score a step as the loss function gives no term"
        : `Cannot weigh the term ${strange} as the terms of the loss function are ` +
          listNames(names),
    );
  }
  const [[, { shape: [samples] }]] = tensorEntries(inputs.outputs);
  return entries.map(([name, term]) => ({
    name,
    plain: scoreTerm(name, term, samples, options),
    weight: name === null ? 1 : weights[name] ?? 1,
  }));
}

function scoreTerm(
  name: string | null,
  term: Tensor,
  samples: number,
  options: ScoreOptions,
): Score {
  const isTerm = term instanceof Tensor && term.dtype === "f32";
  if (isTerm && term.rank === 0) return { value: term, totals: [[mul(term, samples), samples]] };
  if (isTerm && term.shape[0] === samples && term.size === samples) {
    return score(reshape(term, [samples]), options);
  }
  throw new ShapeError(
    `Cannot score a step as ${name === null ? "a loss function" : `the term ${name}`} must be a ` +
      `number or one for each sample, ${formatShape([samples])} f32: received ` +
      `${
        term instanceof Tensor ? term.describe() : received(term)
      } (take its mean over the other ` +
      `axes)`,
  );
}
