/** A size of an axis: known, or a multiple of the batch size, which is known when the file is run. */
export type OnnxDimension = number | { readonly batches: number };

/** Whether a size is known. */
export function isStatic(size: OnnxDimension): size is number {
  return typeof size === "number";
}

/** Whether two lists of sizes are equal. */
export function sameDimensions(
  one: readonly OnnxDimension[],
  other: readonly OnnxDimension[],
): boolean {
  return one.length === other.length && one.every((size, axis) => isSame(size, other[axis]));
}

function isSame(one: OnnxDimension, other: OnnxDimension): boolean {
  if (isStatic(one) || isStatic(other)) return one === other;
  return one.batches === other.batches;
}

/** The sizes of what becomes of operands that are broadcast to each other, as in NumPy. */
export function broadcastDimensions(
  operands: readonly (readonly OnnxDimension[])[],
): OnnxDimension[] {
  const rank = Math.max(0, ...operands.map((sizes) => sizes.length));
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = operands.map((operand) => operand[operand.length - rank + axis] ?? 1);
    return sizes.find((size) => size !== 1) ?? 1;
  });
}
