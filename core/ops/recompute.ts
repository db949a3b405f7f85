import { differentiate, topologicalOrder } from "../graph/differentiate.ts";
import { ShapeError } from "../graph/errors.ts";
import type { CompositeOperation } from "../graph/operation.ts";
import { commonDType, Tensor } from "../graph/tensor.ts";
import { slice } from "./concat.ts";
import { elementwise } from "./elementwise.ts";
import { algebra } from "./gradient_algebra.ts";
import { register } from "./registry.ts";
import { reshape } from "./reshape.ts";

/**
 * Its first operand, which nobody looks at before the second operand is known: what is computed from
 * it is another node than what is computed from the operand itself, and waits. The second operand is
 * a scalar of another loop, so that threads meet before it is read.
 */
const after = elementwise({
  name: "after",
  types: (name, [x]) => commonDType(name, [x], ["f32", "i32", "u32", "bool"]),
  wgsl: "x",
  arity: 2,
  reference: (x) => x,
  vjp: (grad) => [grad, null],
  samples: [{ inputs: [[-2, 0, 3], [1, 2, 3]], expected: [-2, 0, 3] }],
});

/** Its first operand; the others are where the gradient goes. */
const recomputeOperation: CompositeOperation = register({
  kind: "composite",
  name: "recompute",
  infer: ([output]) => ({ shape: output.shape, dtype: output.dtype }),
  reference: ([output], _attributes, result) => result.data.set(output.data),
  // What follows waits for it, so that the memory of what leads to it serves again.
  expand: ([output]) => after(output, firstOf(output)),
  vjp(grad, node) {
    const [output, ...sources] = node.inputs;
    const copies = computeAgain(output, sources, firstOf(grad));
    const again = copies.get(output)!;
    const ends = sources.map((source) => copies.get(source)!);
    // No further than to the sources: all parts together cost one walk.
    const order = topologicalOrder([again], new Set(ends));
    return [null, ...differentiate(again, ends, algebra, grad, order)];
  },
});

/**
 * `output` as it is; for the gradient what leads to it from `sources` is computed again, once the
 * gradient has come so far, rather than kept since the forward pass.
 *
 * It trades time for memory: between the two passes only the sources are kept. Random masks
 * are the same again, and so is the gradient, up to the rounding of sums: what a kernel computes
 * beside a sum decides in which order it adds up.
 *
 * @param output Any shape, f32: what a part of a network gives.
 * @param sources What that part is computed from: its inputs and its weights, f32. Gradients go to
 * these alone; whatever else it is computed from, as random keys, is taken as constant.
 * @returns The shape of `output`.
 *
 * @example
 * ```ts
 * import { grad, recompute, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const slope = grad((x) => recompute(x.square().tanh(), [x]).sum());
 * const plain = grad((x) => x.square().tanh().sum());
 * assert.deepEqual(await slope(tensor([1, 2])).data(), await plain(tensor([1, 2])).data());
 * ```
 *
 * Source: Chen and others, "Training deep nets with sublinear memory cost", 2016. Keras: `remat`.
 * PyTorch: `torch.utils.checkpoint.checkpoint`.
 */
export function recompute(output: Tensor, sources: readonly Tensor[]): Tensor {
  const given = new Set(sources);
  // Of nothing there is no element to wait for, and no memory to save.
  if (given.has(output) || output.size === 0) return output;
  const inputs = new Set(topologicalOrder([output], given).flatMap(({ inputs }) => inputs));
  const used = [...given].filter((source) => inputs.has(source) && source.dtype === "f32");
  return used.length === 0 ? output : Tensor.node(recomputeOperation, [output, ...used]);
}

/** Copies of the nodes between `sources` and `output` that wait for `token`, by their originals. */
function computeAgain(
  output: Tensor,
  sources: readonly Tensor[],
  token: Tensor,
): ReadonlyMap<Tensor, Tensor> {
  const copies = new Map(sources.map((source) => [source, waiting(source, token)]));
  for (const node of topologicalOrder([output], new Set(sources))) {
    const inputs = node.inputs.map((input) => copies.get(input)!);
    const isSame = inputs.every((input, place) => input === node.inputs[place]);
    const copy = node.inputs.length === 0
      ? waiting(node, token)
      : isSame
      ? node
      : Tensor.node(node.operation, inputs, node.attributes);
    copy.label ??= node.label;
    copies.set(node, copy);
  }
  return copies;
}

/**
 * A tensor to compute with from `token` on. Leaves that are kept in any case need no waiting, but
 * scalars do: random masks are made of them alone.
 */
function waiting(node: Tensor, token: Tensor): Tensor {
  const { kind, name } = node.operation;
  return kind === "leaf" && name !== "scalar" ? node : after(node, token);
}

/** One number of a tensor, which is there no sooner than the others. */
function firstOf(x: Tensor): Tensor {
  const one = slice(x, x.shape.map(() => 0), x.shape.map(() => 1));
  return reshape(one, []);
}

/** Refuses a source that stands inside of a part that is computed again: the gradient goes past it. */
export function checkOutside(order: readonly Tensor[], sources: readonly Tensor[]): void {
  const wanted = new Set(sources);
  for (const { operation, inputs: [output, ...given] } of order) {
    if (operation !== recomputeOperation) continue;
    const hidden = topologicalOrder([output], new Set(given)).find((node) => wanted.has(node));
    if (!hidden) continue;
    throw new ShapeError(
      `Cannot differentiate by ${hidden.describe()} as it is inside of a part that is computed ` +
        `again in the backward pass, which has gradients for its own sources alone: leave ` +
        `recompute out, or add it to the sources`,
    );
  }
}
