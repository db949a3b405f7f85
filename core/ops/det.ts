import type { CompositeOperation } from "../graph/operation.ts";
import { sizeOf } from "../graph/shape.ts";
import { commonDType, Tensor } from "../graph/tensor.ts";
import { abs } from "./abs.ts";
import { concat, slice } from "./concat.ts";
import { ones } from "./eager.ts";
import { checkSize, eliminated, solutions } from "./elimination.ts";
import { log } from "./log.ts";
import { mul } from "./mul.ts";
import { register } from "./registry.ts";
import { reshape } from "./reshape.ts";
import { sign } from "./sign.ts";
import { checkSquare, inv } from "./solve.ts";
import { sum } from "./sum.ts";
import { swapLastAxes } from "./transpose.ts";

/** The op behind {@link det}: of `[batch, n, n]`. */
const detOperation: CompositeOperation = register<CompositeOperation>({
  ...determinant("det", (pivots) => pivots.reduce((product, pivot) => product * pivot, 1)),
  expand: ([a]) => product(pivotsOf("det", a)),
  vjp: (grad, node) => [mul(reshape(mul(grad, node), [grad.size, 1, 1]), turned(node))],
});

/** The op behind the logarithms of {@link slogdet}: of `[batch, n, n]`. */
const logDetOperation: CompositeOperation = register<CompositeOperation>({
  ...determinant(
    "logDet",
    (pivots) => pivots.reduce((sum, pivot) => sum + Math.log(Math.abs(pivot)), 0),
  ),
  expand: ([a]) => sum(log(abs(pivotsOf("slogdet", a))), 1),
  vjp: (grad, node) => [mul(reshape(grad, [grad.size, 1, 1]), turned(node))],
});

/**
 * The determinants of matrices, by elimination: products of its pivots. Their gradient is that of
 * matrices that have an inverse.
 *
 * @param x `[..., n, n]`, f32.
 * @returns `[...]`, f32.
 * @throws {ShapeError} when matrices are not square, or n is above 512; see {@link solve}.
 *
 * @example
 * ```ts
 * import { det, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await det(tensor([[1, 2], [3, 4]])).data()].map(Math.round), [-2]);
 * ```
 *
 * jax.numpy, PyTorch: `linalg.det`. Keras: `ops.det`.
 */
export function det(x: Tensor): Tensor {
  const { lines, outer } = linesOf("det", x);
  return reshape(Tensor.node(detOperation, [lines]), outer);
}

/** What {@link slogdet} gives. */
export interface SignAndLogDeterminant {
  /** 1, −1, or 0 where there is no inverse. */
  readonly sign: Tensor;
  /** The logarithm of the absolute determinant, −Infinity where it is 0. */
  readonly logabsdet: Tensor;
}

/**
 * The signs of determinants and the logarithms of their absolute values, which do not overflow: what a
 * Gaussian's likelihood needs of its covariance.
 *
 * @param x `[..., n, n]`, f32.
 * @returns `sign` and `logabsdet`, `[...]` each, f32; no gradient flows through the sign.
 * @throws {ShapeError} when matrices are not square, or too large; see {@link solve}.
 *
 * @example
 * ```ts
 * import { slogdet, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const { sign, logabsdet } = slogdet(tensor([[0, 1e30], [1e30, 0]]));
 * assert.deepEqual([...await sign.data()], [-1]);
 * assert.ok(Math.abs((await logabsdet.data())[0] - 60 * Math.LN10) < 1e-4);
 * ```
 *
 * jax.numpy, PyTorch: `linalg.slogdet`. Keras: `ops.slogdet`.
 */
export function slogdet(x: Tensor): SignAndLogDeterminant {
  const { lines, outer } = linesOf("slogdet", x);
  return {
    sign: reshape(product(sign(pivotsOf("slogdet", lines))), outer),
    logabsdet: reshape(Tensor.node(logDetOperation, [lines]), outer),
  };
}

function determinant(name: string, of: (pivots: readonly number[]) => number) {
  const parts: Pick<CompositeOperation, "kind" | "name" | "infer" | "reference"> = {
    kind: "composite",
    name,
    infer: ([a]) => ({ shape: [a.shape[0]], dtype: commonDType(name, [a], ["f32"]) }),
    reference: ([a], _attributes, output) => {
      const size = a.shape[1];
      const pivots = solutions(a).map(({ pivot }) => pivot);
      output.data.forEach((_, at) => {
        output.data[at] = of(pivots.slice(at * size, (at + 1) * size));
      });
    },
  };
  return parts;
}

function linesOf(what: string, x: Tensor): { lines: Tensor; outer: number[] } {
  const size = checkSquare(what, x);
  checkSize(what, size, 0);
  const outer = x.shape.slice(0, -2);
  return { lines: reshape(x, [sizeOf(outer), size, size]), outer };
}

/** `[batch, n]`, whose products are the determinants. */
function pivotsOf(what: string, a: Tensor): Tensor {
  return reshape(eliminated(what, a), a.shape.slice(0, 2));
}

/** Products of the rows of `[batch, n]`, by halves. */
function product(x: Tensor): Tensor {
  const [batch, size] = x.shape;
  if (size === 0) return ones([batch]);
  if (size === 1) return reshape(x, [batch]);
  const half = Math.ceil(size / 2);
  const right = slice(x, [0, half], [batch, size]);
  const whole = size % 2 === 0 ? right : concat([right, ones([batch, 1])], 1);
  return product(mul(slice(x, [0, 0], [batch, half]), whole));
}

/** The transposed inverse of a node's matrices. */
function turned({ inputs: [a] }: Tensor): Tensor {
  return swapLastAxes(inv(a));
}
