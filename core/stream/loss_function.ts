import { ShapeError } from "../graph/errors.ts";
import { formatShape } from "../graph/shape.ts";
import { Tensor } from "../graph/tensor.ts";
import { entriesOf, listNames, tensorEntries, type Tensors } from "../nn/named.ts";
import type { ApplyContext } from "../nn/layer.ts";
import type { AnyModel } from "../nn/connect.ts";
import type { Parameter } from "../nn/parameter.ts";
import type { ScalarSource } from "../nn/scalar.ts";
import { mul } from "../ops/mul.ts";
import { reshape } from "../ops/reshape.ts";
import { received } from "../state/received.ts";
import { type Score, score, type ScoreOptions } from "./score.ts";

/** What a loss function may ask for beside what the batch is: the same in training and validation. */
export interface LossAccess {
  /** Numbers that vary between steps, random keys, and what `model.apply` takes. */
  readonly context: ApplyContext;
  /**
   * A tensor for every weight of a model, as they are in this step; any model, as a target network.
   * With others in their place, `model.apply` gives what the model would be with those.
   */
  readonly weightsOf: (model: AnyModel) => ReadonlyMap<Parameter, Tensor>;
}

/**
 * What a loss that is a function goes by.
 *
 * @example A gradient through a step of descent, as of MAML.
 * ```ts
 * import {
 *   arrays, backward, dense, forward, gradients, input, loss, miniBatches, sequential, sgd, update,
 * } from "@millrace/millrace";
 * import { lastValueFrom } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([1]), dense(1, { useBias: false, kernelInitializer: "ones" })]);
 * const steps = miniBatches(arrays([[1]], [[3]]), { device: "cpu", threads: 1 }).pipe(
 *   forward(model),
 *   loss(({ x, y, outputs, weightsOf, context }) => {
 *     const [[kernel, before]] = weightsOf(model);
 *     const [slope] = gradients(outputs.sub(y).square().sum(), [before]);
 *     const learnt = new Map([[kernel, before.sub(slope.mul(0.25))]]);
 *     return model.apply(learnt, x, context).sub(y).square().mean(-1);
 *   }),
 *   backward(),
 *   update(sgd({ learningRate: 1 })),
 * );
 * await lastValueFrom(steps);
 * // From 1 the inner step leads to 1 + (3 − 1)/2 = 2; the outer slope is 2·(2 − 3)·½.
 * assert.deepEqual([...model.parameters[0].value], [2]);
 * ```
 */
export interface LossInputs<
  X extends Tensors = Tensor,
  Y extends Tensors = Tensor,
  O extends Tensors = Tensor,
> extends LossAccess {
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
 * what changes from step to step belongs into the weights of its terms, or is a `context.scalar`.
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
  const made = termsOf(terms as LossFunction<Tensors, Tensors, Tensors>, inputs);
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

function termsOf(
  terms: LossFunction<Tensors, Tensors, Tensors>,
  inputs: LossInputs<Tensors, Tensors, Tensors>,
): LossTerms {
  try {
    return terms(inputs);
  } catch (error) {
    // Keras's losses are functions of two arguments.
    if (terms.length < 2) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new TypeError(
      `Cannot score a step as a loss function is given one argument, { x, y, outputs }: received ` +
        `${terms.name || "one"} of ${terms.length}, which failed: ${reason} (a loss of targets ` +
        `and outputs is { name: "…", apply: (targets, outputs) => … })`,
      { cause: error },
    );
  }
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
