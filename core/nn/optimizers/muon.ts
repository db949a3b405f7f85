import type { Tensor } from "../../graph/tensor.ts";
import { add } from "../../ops/add.ts";
import { div } from "../../ops/div.ts";
import { matmul } from "../../ops/matmul.ts";
import { mul } from "../../ops/mul.ts";
import { sqrt } from "../../ops/sqrt.ts";
import { square } from "../../ops/square.ts";
import { sub } from "../../ops/sub.ts";
import { sum } from "../../ops/sum.ts";
import { transpose } from "../../ops/transpose.ts";
import { checkCount } from "../check_count.ts";
import { checkScalar } from "../check_scalar.ts";
import type { OptimizedWeight, Optimizer, UpdateContext } from "../optimizer.ts";
import { checkScalarSource, type ScalarSource } from "../scalar.ts";
import { adam } from "./adam.ts";
import { checkRates, decayWeights, ranges } from "./decay_weights.ts";
import { checkBetas } from "./moving_mean.ts";

/** Options of {@link muon}. */
export interface MuonOptions {
  /** Learning rate, at least 0; default 0.001. */
  readonly learningRate?: ScalarSource;
  /** Part of the velocity that is kept, from 0 to below 1; default 0.95. */
  readonly momentum?: number;
  /** Whether the step looks ahead along the velocity; default true. */
  readonly nesterov?: boolean;
  /** Iterations of Newton and Schulz, from 1; default 5. */
  readonly nsSteps?: number;
  /** Coefficients of the iteration; default 3.4445, −4.775 and 2.0315. */
  readonly muonA?: number;
  /** See `muonA`. */
  readonly muonB?: number;
  /** See `muonA`. */
  readonly muonC?: number;
  /** Root mean square of a step at a rate of 1, above 0; default 0.2; `null`: as it comes. */
  readonly rmsRate?: number | null;
  /** Decoupled weight decay of the matrices, at least 0; default 0.004. */
  readonly weightDecay?: ScalarSource;
  /** Parts of layers' names, as regular expressions, whose matrices Adam changes; default none. */
  readonly excludeLayers?: readonly string[];
  /** Whether Adam changes weights with "embedding" in their name; default true. */
  readonly excludeEmbeddings?: boolean;
  /** Adam's learning rate by that of Muon, above 0; default 1. */
  readonly adamLrRatio?: number;
  /** Adam's `beta1`, default 0.9. */
  readonly adamBeta1?: number;
  /** Adam's `beta2`, default 0.999. */
  readonly adamBeta2?: number;
  /** Adam's epsilon, at least 0; default 1e-7. */
  readonly epsilon?: number;
  /** Decoupled weight decay of what Adam changes, at least 0; default 0.004. */
  readonly adamWeightDecay?: ScalarSource;
}

/**
 * Momentum whose step is made orthogonal, so that all directions of a matrix learn alike; weights that
 * are no matrices, and those excluded, go by {@link adam}. Exclude the last layer.
 *
 * v ← momentum · v + g; x = g + momentum · v, or v without Nesterov; x ← x / ‖x‖, then `nsSteps` times
 * x ← a · x + (b · xxᵀ + c · (xxᵀ)²) · x; w ← w − rate · rmsRate · √(the longer side) · x.
 *
 * @param options Learning rate and weight decays, which may change between steps, and constants.
 * @returns An optimizer with the slot `velocity` for a matrix, else `mean` and `variance`.
 * @throws {RangeError} when a constant is out of its range.
 *
 * @example
 * ```ts
 * import { muon } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(muon().slots({ shape: [2] }), { mean: 0, variance: 0 });
 * assert.deepEqual(muon().slots({ shape: [2, 3] }), { velocity: 0 });
 * const last = { name: "dense_2/kernel", shape: [2, 3] };
 * assert.deepEqual(muon({ excludeLayers: ["dense_2"] }).slots(last), { mean: 0, variance: 0 });
 * ```
 *
 * Source: K. Jordan and others, "Muon", 2024; J. Liu and others, "Muon is scalable for LLM training",
 * 2025; Keras's `Muon`. PyTorch 1.13 has none. Clipping of gradients is a stage of its own, `clipGradients`.
 */
export function muon(options: MuonOptions = {}): Optimizer {
  const { learningRate = 0.001, weightDecay = 0.004, momentum = 0.95, nesterov = true } = options;
  const { nsSteps = 5, muonA = 3.4445, muonB = -4.775, muonC = 2.0315, rmsRate = 0.2 } = options;
  const { excludeLayers = [], excludeEmbeddings = true, adamLrRatio = 1 } = options;
  checkRates("muon", learningRate, weightDecay);
  const { adamBeta1 = 0.9, adamBeta2 = 0.999, adamWeightDecay = 0.004, epsilon = 1e-7 } = options;
  checkBetas("muon", { momentum, adamBeta1, adamBeta2 });
  checkScalar("the epsilon of muon", epsilon, ranges.nonNegative);
  checkScalarSource("the adamWeightDecay of muon", adamWeightDecay, ranges.nonNegative);
  checkCount("the nsSteps of muon", nsSteps, 1);
  const coefficients = { muonA, muonB, muonC };
  for (const [name, value] of Object.entries(coefficients)) {
    checkScalar(`the ${name} of muon`, value);
  }
  if (rmsRate !== null) checkScalar("the rmsRate of muon", rmsRate, { minimum: Number.MIN_VALUE });
  checkScalar("the adamLrRatio of muon", adamLrRatio, { minimum: Number.MIN_VALUE });
  // Adam asks for the rate by the same name, and gets it times the ratio.
  const byAdam = adam({
    learningRate,
    beta1: adamBeta1,
    beta2: adamBeta2,
    epsilon,
    weightDecay: adamWeightDecay,
  });
  const excluded = [...excludeLayers, ...(excludeEmbeddings ? ["[eE]mbedding"] : [])].map((part) =>
    new RegExp(part)
  );
  const turned = ({ name = "", shape }: OptimizedWeight) =>
    shape.length === 2 && !excluded.some((part) => part.test(name));
  return {
    name: "muon",
    learningRate,
    slots: (weight) => turned(weight) ? { velocity: 0 } : byAdam.slots(weight),
    apply(parameter, gradient, slots, context) {
      if (!slots.velocity) {
        return byAdam.apply(parameter, gradient, slots, scaledRate(context, adamLrRatio));
      }
      const rate = context.scalar(learningRate, "learning_rate", ranges.nonNegative);
      const velocity = add(mul(slots.velocity, momentum), gradient);
      const step = nesterov ? add(gradient, mul(velocity, momentum)) : velocity;
      const longer = Math.max(...parameter.shape);
      const size = rmsRate === null ? rate : mul(rate, rmsRate * Math.sqrt(longer));
      const decayed = decayWeights(parameter, rate, weightDecay, context);
      const move = mul(orthogonal(step, nsSteps, coefficients), size);
      return { parameter: sub(decayed, move), slots: { velocity } };
    },
  };
}

/** A context whose learning rate is multiplied; weight decay goes by the whole rate, as in Keras. */
function scaledRate(context: UpdateContext, ratio: number): UpdateContext {
  if (ratio === 1) return context;
  return {
    scalar: (source, name, range) => {
      const scalar = context.scalar(source, name, range);
      if (name === "learning_rate") return mul(scalar, ratio);
      return name === "weight_decay" ? div(scalar, ratio) : scalar;
    },
    iterationScalar: (name, value) => context.iterationScalar(name, value),
  };
}

/** Nearly the orthogonal matrix nearest to `x`: its singular values go to about 1. */
function orthogonal(
  x: Tensor,
  steps: number,
  { muonA, muonB, muonC }: Record<"muonA" | "muonB" | "muonC", number>,
): Tensor {
  // The product with itself is made over the longer side.
  const tall = x.shape[0] > x.shape[1];
  let result = tall ? transpose(x) : x;
  result = div(result, add(sqrt(sum(square(result))), 1e-7));
  for (let step = 0; step < steps; step++) {
    const product = matmul(result, transpose(result));
    const change = add(mul(product, muonB), mul(matmul(product, product), muonC));
    result = add(mul(result, muonA), matmul(change, result));
  }
  return tall ? transpose(result) : result;
}
