import { DTypeError } from "./errors.ts";
import type { Tensor } from "./tensor.ts";

/**
 * Every node that `roots` need, inputs before users, each once.
 *
 * @param roots Where to begin.
 * @param known Nodes to leave out, with what they need.
 */
export function topologicalOrder<Node extends { readonly inputs: readonly Node[] }>(
  roots: readonly Node[],
  known: { has(node: Node): boolean } = new Set(),
): Node[] {
  const order: Node[] = [];
  const seen = new Set<Node>();
  // A stack of its own: a network of a thousand layers is deeper than the call stack.
  const stack: { node: Node; next: number }[] = [];
  for (const root of roots) {
    if (seen.has(root) || known.has(root)) continue;
    seen.add(root);
    stack.push({ node: root, next: 0 });
    while (stack.length > 0) {
      const top = stack[stack.length - 1];
      if (top.next < top.node.inputs.length) {
        const input = top.node.inputs[top.next++];
        if (!seen.has(input) && !known.has(input)) {
          seen.add(input);
          stack.push({ node: input, next: 0 });
        }
      } else {
        order.push(top.node);
        stack.pop();
      }
    }
  }
  return order;
}

/** How gradients begin and add up; the ops give it, as the graph knows no op by name. */
export interface GradientAlgebra {
  /** Ones of the shape of `like`. */
  onesLike(like: Tensor): Tensor;
  /** Zeros of the shape of `like`. */
  zerosLike(like: Tensor): Tensor;
  /** Sum of the gradients, one or more, that the uses of a value give it. */
  sum(parts: readonly Tensor[]): Tensor;
}

/**
 * Reverse-mode differentiation: the gradients of the sum of `output` with respect to `sources`,
 * as nodes, so that they can be differentiated again.
 *
 * A source that `output` does not depend on has a gradient of zeros.
 *
 * @param output What is differentiated.
 * @param sources By what.
 * @param algebra How gradients begin and add up.
 * @param initial The gradient of `output` itself; ones by default.
 * @param order The nodes to go through, inputs before users; by default all that `output` needs.
 * @throws {DTypeError} when an op between them has no gradient.
 */
export function differentiate(
  output: Tensor,
  sources: readonly Tensor[],
  algebra: GradientAlgebra,
  initial: Tensor = algebra.onesLike(output),
  order: readonly Tensor[] = topologicalOrder([output]),
): Tensor[] {
  const active = new Set<Tensor>(sources);
  for (const node of order) if (node.inputs.some((input) => active.has(input))) active.add(node);
  // Added up together, when all uses have been passed: there may be one for each step of a sequence.
  const parts = new Map<Tensor, Tensor[]>([[output, [initial]]]);
  const gradientOf = (node: Tensor): Tensor | undefined => {
    const given = parts.get(node);
    if (given && given.length > 1) parts.set(node, [algebra.sum(given)]);
    return parts.get(node)?.[0];
  };
  for (let index = order.length - 1; index >= 0; index--) {
    const node = order[index];
    if (!parts.has(node) || !active.has(node) || node.inputs.length === 0) continue;
    if (!node.inputs.some((input) => active.has(input))) continue;
    if (!node.operation.vjp) {
      throw new DTypeError(
        `Cannot differentiate ${node.describe()} as the op "${node.operation.name}" has no ` +
          `gradient: remove it from the path between the weights and the loss`,
      );
    }
    node.operation.vjp(gradientOf(node)!, node).forEach((part, position) => {
      const input = node.inputs[position];
      if (!part || !active.has(input)) return;
      const given = parts.get(input);
      if (given) given.push(part);
      else parts.set(input, [part]);
    });
  }
  return sources.map((source) => gradientOf(source) ?? algebra.zerosLike(source));
}
