import { sameShape } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { reshape } from "./reshape.ts";

/**
 * The sum over `axes`, which keep size 1, with factors and parts drawn out of it that the values of
 * the axes do not need: Σ c·x = c·Σ x, Σ −x = −Σ x, and Σ (x − mean x) = 0, which makes the way of a
 * variance's gradient through its mean vanish. Gradients of what was broadcast are such sums: those
 * of a normalisation are then two for its input and its weights together, not three.
 *
 * @param value What is summed.
 * @param axes Axes, ascending.
 */
export function sumApart(value: Tensor, axes: readonly number[]): Tensor {
  const [first, second] = value.inputs;
  switch (value.operation.name) {
    case "neg":
      return sumApart(first, axes).neg();
    case "mul":
      for (const [factor, rest] of [[first, second], [second, first]]) {
        const constant = constantAlong(factor, axes);
        if (constant) return sumApart(rest, axes).mul(constant);
      }
      break;
    case "add":
      if (vanishes(first, axes)) return sumApart(second, axes);
      if (vanishes(second, axes)) return sumApart(first, axes);
  }
  return value.sum(axes, { keepDims: true });
}

/** Whether the sum over `axes` is 0 whatever the numbers are: of differences from their mean. */
function vanishes(value: Tensor, axes: readonly number[]): boolean {
  const [first, second] = value.inputs;
  switch (value.operation.name) {
    case "neg":
      return vanishes(first, axes);
    case "mul":
      return constantAlong(first, axes) !== null && vanishes(second, axes) ||
        constantAlong(second, axes) !== null && vanishes(first, axes);
    case "sub":
      return isMean(second, first, axes);
    default:
      return false;
  }
}

/** What a value repeats along all `axes`, with size 1 there; `null` of one that changes along them. */
function constantAlong(value: Tensor, axes: readonly number[]): Tensor | null {
  if (value.operation.name !== "broadcastTo") return null;
  const [source] = value.inputs;
  const lead = value.rank - source.rank;
  if (axes.some((axis) => axis >= lead && source.shape[axis - lead] !== 1)) return null;
  return reshape(source, [...new Array<number>(lead).fill(1), ...source.shape]);
}

/** Whether `value` is the mean of `x` over `axes`, put back in its shape: Σ x · 1/n, as `mean` has it. */
function isMean(value: Tensor, x: Tensor, axes: readonly number[]): boolean {
  const constant = constantAlong(value, axes);
  const product = constant && withoutViews(constant);
  if (product?.operation.name !== "mul") return false;
  const [total, share] = product.inputs.map(withoutViews);
  const count = axes.reduce((size, axis) => size * x.shape[axis], 1);
  return total.operation.name === "sum" && total.inputs[0] === x &&
    sameShape(total.attributes.axes as number[], axes) &&
    share.operation.name === "literal" && share.attributes.value === 1 / count;
}

function withoutViews(node: Tensor): Tensor {
  while (node.operation.name === "reshape" || node.operation.name === "broadcastTo") {
    node = node.inputs[0];
  }
  return node;
}
