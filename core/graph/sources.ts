import { type Access, accessInput } from "./access.ts";
import { identityAccess } from "./loop_builder.ts";
import { sameShape } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

/**
 * Visits what a loop that computes `node` reads from memory.
 *
 * @param node A node that is computed.
 * @param isStored Whether a node has memory.
 * @param visit Given each stored node under `node` with its access, `null` where it is read otherwise
 * than index by index; more than once where there are several.
 * @param most Values after which the visit ends.
 * @returns How many values the loop computes or reads.
 */
export function eachSource(
  node: Tensor,
  isStored: (node: Tensor) => boolean,
  visit: (source: Tensor, access: Access | null) => void,
  most = Infinity,
): number {
  const seen = new Map<Tensor, (Access | null)[]>();
  let values = 0;
  const see = (inner: Tensor, access: Access | null) => {
    const before = seen.get(inner);
    if (values > most || before?.some((other) => sameAccess(other, access))) return;
    if (before) before.push(access);
    else seen.set(inner, [access]);
    values++;
    if (isStored(inner)) return visit(inner, access);
    const next = access && inner.operation.kind === "view" ? accessInput(inner, access) : access;
    for (const input of inner.inputs) see(input, next);
  };
  const { kind } = node.operation;
  const access = identityAccess(node.rank);
  const plain = kind === "elementwise"
    ? access
    : kind === "view"
    ? accessInput(node, access)
    : null;
  for (const input of node.inputs) see(input, plain);
  return values;
}

function sameAccess(a: Access | null, b: Access | null): boolean {
  if (a === null || b === null) return a === b;
  return a === b || (sameShape(a.dimensions, b.dimensions) && sameShape(a.offsets, b.offsets));
}
