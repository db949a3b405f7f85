import { differentiate, topologicalOrder } from "../graph/differentiate.ts";
import { DTypeError, ShapeError } from "../graph/errors.ts";
import { Tensor } from "../graph/tensor.ts";
import { algebra } from "./gradient_algebra.ts";
import { checkOutside } from "./recompute.ts";

/**
 * Gradients of the sum of `output` with respect to each of `sources`, as tensors that can be
 * differentiated again.
 *
 * @param output Any shape, f32; a loss is a scalar.
 * @param sources Tensors of the graph of `output`, f32; one that it does not depend on gets zeros.
 * @param initial Gradient of `output` itself, of its shape; ones by default.
 * @param constants Tensors that nothing is differentiated through, as if they were data; by default
 * none. TensorFlow: `stop_gradients`.
 * @returns One gradient a source, of its shape.
 * @throws {DTypeError} when a type is not f32, or an op on the way has no gradient.
 * @throws {ShapeError} when `initial` does not have the shape of `output`, or a source is a reshape
 * that what follows has reshaped again, or it is inside of what {@link recompute} computes again.
 *
 * @example
 * ```ts
 * import { gradients, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const x = tensor([1, 2, 3]);
 * const [slope] = gradients(x.square().sum(), [x]);
 * assert.deepEqual([...await slope.data()], [2, 4, 6]);
 * const square = x.square();
 * const [rest] = gradients(square.mul(x), [x], undefined, [square]);
 * assert.deepEqual([...await rest.data()], [1, 4, 9]);
 * ```
 */
export function gradients(
  output: Tensor,
  sources: readonly Tensor[],
  initial?: Tensor,
  constants: Iterable<Tensor> = [],
): Tensor[] {
  for (const value of [output, ...sources]) {
    if (value.dtype === "f32") continue;
    throw new DTypeError(
      `Cannot differentiate as only f32 varies smoothly: received ${value.describe()}`,
    );
  }
  if (initial && initial.shape.join() !== output.shape.join()) {
    throw new ShapeError(
      `Cannot differentiate ${output.describe()} as the initial gradient must have its shape: ` +
        `received ${initial.describe()}`,
    );
  }
  return [...differentiated(output, sources, initial, constants).result];
}

/** Whether the gradients of `output` by all sources are zeros, as it depends on none smoothly. */
export function isIndependent(output: Tensor, sources: readonly Tensor[]): boolean {
  return differentiated(output, sources).independent === sources.length;
}

function differentiated(
  output: Tensor,
  sources: readonly Tensor[],
  initial?: Tensor,
  constants: Iterable<Tensor> = [],
): Differentiated {
  const given = new Set(constants);
  const same = (known.get(output) ?? []).find((other) =>
    other.initial === initial && sameElements(other.sources, sources) &&
    sameElements([...other.constants], [...given])
  );
  if (same) return same;
  checkSeen(output, sources);
  let independent = 0;
  const zerosLike = (like: Tensor) => {
    independent++;
    return algebra.zerosLike(like);
  };
  const order = topologicalOrder([output], given);
  const result = differentiate(output, sources, { ...algebra, zerosLike }, initial, order);
  const latest = { sources: [...sources], initial, constants: given, result, independent };
  known.set(output, [latest, ...(known.get(output) ?? []).slice(0, most - 1)]);
  return latest;
}

/** What has been differentiated, as nodes are interned: written again at each step, it is a look-up. */
const known = new WeakMap<Tensor, Differentiated[]>();

/** Gradients of one output that are remembered. */
const most = 4;

interface Differentiated {
  readonly sources: readonly Tensor[];
  readonly initial: Tensor | undefined;
  readonly constants: ReadonlySet<Tensor>;
  readonly result: readonly Tensor[];
  /** Sources that the output does not depend on. */
  readonly independent: number;
}

function sameElements(one: readonly Tensor[], other: readonly Tensor[]): boolean {
  return one.length === other.length && one.every((tensor, place) => tensor === other[place]);
}

/** Refuses sources that the gradient would go past. */
function checkSeen(output: Tensor, sources: readonly Tensor[]): void {
  const inner = sources.filter(({ operation }) => operation.kind !== "leaf");
  if (inner.length === 0) return;
  const order = topologicalOrder([output]);
  checkOutside(order, inner);
  // Two reshapes in a row are one: what follows may have gone past a source, whose slope it hides.
  const reshaped = inner.filter(({ operation }) => operation.name === "reshape");
  const seen = new Set(order);
  const hidden = reshaped.find((source) => !seen.has(source) && seen.has(source.inputs[0]));
  if (!hidden) return;
  throw new ShapeError(
    `Cannot differentiate by ${hidden.describe()} as a reshape that is reshaped again is left out ` +
      `of the graph: differentiate by what it was made of, or give x.reshape(…).add(0) to what follows`,
  );
}

/** A function of tensors with a scalar result, such as a loss. */
export type ScalarFunction<Rest extends readonly unknown[]> = (x: Tensor, ...rest: Rest) => Tensor;

/**
 * The function that gives the value and the gradient of `f` with respect to its first argument.
 *
 * @param f A function whose result is an f32 scalar.
 * @returns A function of the same arguments, with result `[value, gradient]`.
 * @throws {ShapeError} when called, if the result of `f` is not a scalar.
 *
 * @example
 * ```ts
 * import { tensor, valueAndGrad } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const [value, slope] = valueAndGrad((x) => x.square().sum())(tensor([1, 2]));
 * assert.deepEqual([...await value.data()], [5]);
 * assert.deepEqual([...await slope.data()], [2, 4]);
 * ```
 */
export function valueAndGrad<Rest extends readonly unknown[]>(
  f: ScalarFunction<Rest>,
): (x: Tensor, ...rest: Rest) => [value: Tensor, gradient: Tensor] {
  return (x, ...rest) => {
    const value = f(x, ...rest);
    if (!(value instanceof Tensor) || value.rank !== 0) {
      throw new ShapeError(
        `Cannot take the gradient as the function's result must be a scalar: received ${
          value instanceof Tensor ? value.describe() : typeof value
        } (take its sum or mean)`,
      );
    }
    return [value, gradients(value, [x])[0]];
  };
}

/**
 * The function that gives the gradient of `f` with respect to its first argument.
 *
 * @param f A function whose result is an f32 scalar.
 * @returns A function of the same arguments; its result has the shape of the first.
 * @throws {ShapeError} when called, if the result of `f` is not a scalar.
 *
 * @example
 * ```ts
 * import { grad, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const cube = (x: ReturnType<typeof tensor>) => x.pow(3).sum();
 * assert.deepEqual([...await grad(cube)(tensor([2])).data()], [12]);
 * // The gradient of the gradient: 6x.
 * assert.deepEqual([...await grad((x) => grad(cube)(x).sum())(tensor([2])).data()], [12]);
 * ```
 */
export function grad<Rest extends readonly unknown[]>(
  f: ScalarFunction<Rest>,
): (x: Tensor, ...rest: Rest) => Tensor {
  const both = valueAndGrad(f);
  return (x, ...rest) => both(x, ...rest)[1];
}
