import { ShapeError } from "../../graph/errors.ts";
import { iota } from "../../graph/leaf.ts";
import { formatShape } from "../../graph/shape.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { add } from "../../ops/add.ts";
import { cast } from "../../ops/cast.ts";
import { equal } from "../../ops/equal.ts";
import { logSumExp } from "../../ops/log_sum_exp.ts";
import { logicalAnd, logicalNot } from "../../ops/logical.ts";
import { matmul } from "../../ops/matmul.ts";
import { max } from "../../ops/max.ts";
import { maximum } from "../../ops/maximum.ts";
import { mul } from "../../ops/mul.ts";
import { notEqual } from "../../ops/not_equal.ts";
import { reshape } from "../../ops/reshape.ts";
import { select } from "../../ops/select.ts";
import { softplus } from "../../ops/softplus.ts";
import { sub } from "../../ops/sub.ts";
import { transpose } from "../../ops/transpose.ts";
import { checkScalar } from "../check_scalar.ts";
import type { Loss } from "../loss.ts";
import { meanOverCounted } from "./masked.ts";
import { alignLabels } from "./targets.ts";

/** Options of {@link circle}. */
export interface CircleOptions {
  /** Scale of the exponents, above 0; default 80. */
  readonly gamma?: number;
  /** How far the two kinds are to be apart, 0 to 1; default 0.4. */
  readonly margin?: number;
  /** Whether a sample is no pair with itself; default true. */
  readonly removeDiagonal?: boolean;
}

/** Low enough for an exponential of 0, and far from overflow. */
const absent = -1e9;

/**
 * Circle loss, for embeddings: samples of one class are drawn together, others pushed apart.
 *
 * softplus(log Σ exp(−gamma · (m + d) · (m − d)) + log Σ exp(gamma · (1 + m − d)₊ · (1 − m − d))),
 * with m the margin and d the cosine distances, 1 − e · e′ but at least 0: the first sum over the
 * batch's samples of the same class, the second over the others. Samples that lack the one or the
 * other count for nothing in the mean.
 *
 * @param options `gamma`, `margin`, `removeDiagonal`.
 * @returns A loss of labels `[batch]` and embeddings `[batch, features]` of length 1.
 * @throws {RangeError} when an option is out of its range.
 *
 * @example
 * ```ts
 * import { circle, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const embeddings = tensor([[1, 0], [1, 0], [0, 1], [0, 1]]);
 * const [near] = await circle().apply(tensor([0, 0, 1, 1]), embeddings).data();
 * const [far] = await circle().apply(tensor([0, 1, 0, 1]), embeddings).data();
 * assert(near < 1e-6 && far > 50);
 * ```
 *
 * Source: Y. Sun and others, "Circle loss", 2020; Keras's `Circle`. PyTorch has none.
 */
export function circle(options: CircleOptions = {}): Loss {
  const { gamma = 80, margin = 0.4, removeDiagonal = true } = options;
  checkScalar("the gamma of circle", gamma, { minimum: Number.MIN_VALUE });
  checkScalar("the margin of circle", margin, { minimum: 0, maximum: 1 });
  return {
    name: "circle",
    apply(targets, outputs) {
      if (outputs.rank !== 2) {
        throw new ShapeError(
          `Cannot apply circle as outputs must be embeddings [batch, features]: received ` +
            formatShape(outputs.shape),
        );
      }
      const labels = alignLabels("circle", targets, outputs, "circle compares class labels");
      const distances = maximum(sub(1, matmul(outputs, transpose(outputs))), 0);
      const { same, other } = pairs(labels, removeDiagonal);
      const pull = mul(mul(add(distances, margin), sub(margin, distances)), -gamma);
      const reach = maximum(sub(1 + margin, distances), 0);
      const push = mul(mul(reach, sub(1 - margin, distances)), gamma);
      const together = (mask: Tensor, exponents: Tensor) =>
        logSumExp(select(mask, exponents, absent), 1);
      const losses = softplus(add(together(same, pull), together(other, push)));
      return meanOverCounted(losses, logicalAnd(any(same), any(other)));
    },
  };
}

/** Which pairs of samples, `[batch, batch]`, are of one class and which are not. */
function pairs(labels: Tensor, removeDiagonal: boolean): { same: Tensor; other: Tensor } {
  const [batch] = labels.shape;
  const alike = equal(reshape(labels, [batch, 1]), reshape(labels, [1, batch]));
  const apart = notEqual(iota([batch, batch], 0), iota([batch, batch], 1));
  return { same: removeDiagonal ? logicalAnd(alike, apart) : alike, other: logicalNot(alike) };
}

/** Whether any of a row is true. */
function any(mask: Tensor): Tensor {
  return equal(max(cast(mask, "i32"), 1), 1);
}
