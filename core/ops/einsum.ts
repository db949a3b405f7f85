import { ShapeError } from "../graph/errors.ts";
import { formatShape, type Shape, sizeOf } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { matmul } from "./matmul.ts";
import { reshape } from "./reshape.ts";
import { sum } from "./sum.ts";
import { transpose } from "./transpose.ts";

/** A tensor, and a letter for each of its axes. */
export interface Lettered {
  /** The tensor. */
  readonly x: Tensor;
  /** Letters of its axes, each once. */
  readonly letters: string;
}

/** Products of two tensors, summed over the letters that `outputs` lacks, by one matrix product. */
export function contract(a: Lettered, b: Lettered, outputs: string): Tensor {
  const sizes = new Map([...sizesOf(a), ...sizesOf(b)]);
  const of = (letters: readonly string[]): Shape => letters.map((letter) => sizes.get(letter)!);
  const among = (own: Lettered, other: Lettered, isShared: boolean, isKept: boolean) =>
    [...own.letters].filter((letter) =>
      other.letters.includes(letter) === isShared && outputs.includes(letter) === isKept
    );
  const shared = among(a, b, true, true);
  const summed = among(a, b, true, false);
  const [rows, columns] = [among(a, b, false, true), among(b, a, false, true)];
  const arranged = (source: Lettered, order: readonly string[][]) =>
    reshape(
      ordered(source, order.flat().join("")),
      [...of(shared), ...order.slice(1).map((group) => sizeOf(of(group)))],
    );
  const product = matmul(
    arranged(a, [shared, rows, summed]),
    arranged(b, [shared, summed, columns]),
  );
  const made = [...shared, ...rows, ...columns];
  return ordered({ x: reshape(product, of(made)), letters: made.join("") }, outputs);
}

/** Axes in another order, and summed over those whose letters are missing. */
function ordered({ x, letters }: Lettered, wanted: string): Tensor {
  const alone = [...letters].flatMap((letter, axis) => wanted.includes(letter) ? [] : [axis]);
  const left = [...letters].filter((letter) => wanted.includes(letter));
  const base = alone.length > 0 ? sum(x, alone) : x;
  return transpose(base, [...wanted].map((letter) => left.indexOf(letter)));
}

function sizesOf({ x, letters }: Lettered): [string, number][] {
  return [...letters].map((letter, axis) => [letter, x.shape[axis]]);
}

/**
 * Sums of products by the letters of axes: `einsum("ij,jk->ik", a, b)` is a matrix product.
 *
 * Every axis has a letter; those that the result lacks are summed over. Without `->` the result has the
 * letters that occur once, in the order of the alphabet. `...` stands for axes that are left as they
 * are, the same ones in every tensor that has it, and in front of the result if nothing is said of it.
 * Of more than two tensors the first two are multiplied first.
 *
 * @param equation Letters of the tensors, with commas between, and of the result behind `->`.
 * @param tensors One tensor or more, f32.
 * @returns The sums, f32.
 * @throws {RangeError} when the equation is none, or names an axis of one tensor twice.
 * @throws {ShapeError} when there are not as many tensors, axes, or equal sizes as it says.
 *
 * @example
 * ```ts
 * import { einsum, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const [a, b] = [tensor([[1, 2], [3, 4]]), tensor([[5, 6], [7, 8]])];
 * assert.deepEqual([...await einsum("ij,ij->i", a, b).data()], [17, 53]);
 * assert.deepEqual([...await einsum("...j->...", a).data()], [3, 7]);
 * ```
 *
 * NumPy, Keras, PyTorch: `einsum`, where a letter that a tensor has twice takes its diagonal.
 */
export function einsum(equation: string, ...tensors: readonly Tensor[]): Tensor {
  const { operands, result } = readEquation(equation, tensors);
  const [first, ...rest] = operands;
  return rest.reduce<Lettered>((made, next, place) => {
    const later = rest.slice(place + 1).map(({ letters }) => letters).join("") + result;
    const kept = [...new Set(made.letters + next.letters)].filter((one) => later.includes(one));
    const letters = place === rest.length - 1 ? result : kept.join("");
    return { x: contract(made, next, letters), letters };
  }, rest.length === 0 ? { x: ordered(first, result), letters: result } : first).x;
}

/** Characters that no equation has, for the axes that `...` stands for. */
const unnamed = [..."0123456789"];

function readEquation(
  equation: string,
  tensors: readonly Tensor[],
): { operands: Lettered[]; result: string } {
  const [inputs, wanted, ...more] = equation.replace(/\s+/g, "").split("->");
  const parts = inputs.split(",");
  const given = parts.join("");
  const refuse = (rule: string): never => {
    throw new RangeError(
      `Cannot apply einsum as its equation ${rule}: received ${JSON.stringify(equation)}`,
    );
  };
  const isPart = (part: string) => /^[a-zA-Z]*(\.{3})?[a-zA-Z]*$/.test(part);
  if (more.length > 0 || ![...parts, wanted ?? ""].every(isPart)) {
    refuse("must be like ij,jk->ik or ...i,ij->...j");
  }
  const twice = [...parts, wanted ?? ""].some((part) => {
    const letters = part.replace("...", "");
    return new Set(letters).size < letters.length;
  });
  if (twice) refuse("may name an axis of one tensor once");
  const once = [...new Set(given.replaceAll(".", ""))]
    .filter((letter) => given.split(letter).length === 2).sort().join("");
  const implied = given.includes("...") ? `...${once}` : once;
  const outputs = wanted ?? implied;
  if ([...outputs].some((letter) => !given.includes(letter))) {
    refuse("may give axes of the tensors alone");
  }
  if (parts.length !== tensors.length) {
    throw new ShapeError(
      `Cannot apply einsum as "${equation}" is of ${parts.length} tensors: received ${tensors.length}`,
    );
  }
  let left: number | undefined;
  const operands = tensors.map((x, place) => {
    const named = parts[place].replace("...", "").length;
    const free = x.rank - named;
    const hasRest = parts[place].includes("...");
    if (free < 0 || (free > 0 && !hasRest) || free > unnamed.length) {
      return refuseShapes(equation, tensors);
    }
    if (hasRest && (left ?? free) !== free) return refuseShapes(equation, tensors);
    if (hasRest) left = free;
    return { x, letters: parts[place].replace("...", unnamed.slice(0, free).join("")) };
  });
  const sizes = new Map<string, number>();
  for (const [letter, size] of operands.flatMap(sizesOf)) {
    if ((sizes.get(letter) ?? size) !== size) refuseShapes(equation, tensors);
    sizes.set(letter, size);
  }
  return { operands, result: outputs.replace("...", unnamed.slice(0, left).join("")) };
}

function refuseShapes(equation: string, tensors: readonly Tensor[]): never {
  throw new ShapeError(
    `Cannot apply einsum as "${equation}" wants an axis for each letter, and axes of one letter of ` +
      `one size: received ${tensors.map(({ shape }) => formatShape(shape)).join(", ")}`,
  );
}
