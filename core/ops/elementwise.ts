import type { DType } from "../graph/dtype.ts";
import { DTypeError } from "../graph/errors.ts";
import { literal } from "../graph/leaf.ts";
import type { ElementwiseOperation, Sample } from "../graph/operation.ts";
import { broadcastShapes } from "../graph/shape.ts";
import { wrapInteger } from "../graph/dtype.ts";
import { commonDType, registerMethod, Tensor, type TensorLike } from "../graph/tensor.ts";
import { register } from "./registry.ts";
import { broadcastTo } from "./sum.ts";

/** An op of one operand. */
export type Unary = (x: TensorLike) => Tensor;
/** An op of two operands, broadcast to one shape. */
export type Binary = (x: TensorLike, y: TensorLike) => Tensor;
/** An op of three operands, broadcast to one shape. */
export type Ternary = (x: TensorLike, y: TensorLike, z: TensorLike) => Tensor;

/** The result's type, or an error, from the operands' types. */
export type TypeRule = (name: string, inputs: readonly Tensor[]) => DType;

/** f32 in, f32 out. */
export const floating: TypeRule = (name, inputs) => commonDType(name, inputs, ["f32"]);
/** Numbers of one type in, the same out. */
export const numeric: TypeRule = (name, inputs) => commonDType(name, inputs, ["f32", "i32", "u32"]);
/** Numbers with a sign in, the same out. */
export const signed: TypeRule = (name, inputs) => commonDType(name, inputs, ["f32", "i32"]);
/** Numbers of one type in, `bool` out. */
export const comparison: TypeRule = (name, inputs) => {
  commonDType(name, inputs, ["f32", "i32", "u32"]);
  return "bool";
};
/** `bool` in, `bool` out. */
export const logical: TypeRule = (name, inputs) => commonDType(name, inputs, ["bool"]);

/** One record that defines an elementwise op on every device. */
export interface ElementwiseDefinition {
  /** Name, as in `jax.numpy`. */
  readonly name: string;
  /** WGSL over `x`, `y`, `z`, `w`; it is also what the CPU's SIMD kernels are made from. */
  readonly wgsl: string | ((inputs: readonly DType[], output: DType) => string);
  /** Float64 definition of one element. */
  readonly reference: (...values: number[]) => number;
  /** The definition for these element types, where integers need one other than `reference`. */
  readonly typedReference?: (
    inputs: readonly DType[],
    output: DType,
  ) => (...values: number[]) => number;
  /** Gradients of the operands from the gradient of the result, the operands and the result. */
  readonly vjp?: (grad: Tensor, ...operandsAndOutput: Tensor[]) => (Tensor | null)[];
  /** Examples at the awkward points. */
  readonly samples?: readonly Sample[];
  /** Types; {@link floating} by default. */
  readonly types?: TypeRule;
  /** Units in the last place that devices may differ from the reference; default 4. */
  readonly tolerance?: number;
  /** Where tests draw operands; default [−3, 3]. */
  readonly domain?: readonly [number, number];
  /** Rough cost in additions; default 1. */
  readonly cost?: number;
  /** Number of operands; by default that of `reference`. */
  readonly arity?: number;
}

/**
 * Makes an op that works element by element, on every device: its kernels come from the WGSL, which
 * fuses with the ops around it, and tests compare them with `reference`.
 *
 * @param definition Name, WGSL over `x`, `y`, `z`, `w`, float64 reference, and gradients in other ops.
 * @returns The function that applies it; operands broadcast, and numbers stand for constants.
 * @throws {Error} when an op of that name is there already.
 *
 * @example
 * ```ts
 * import { elementwise, evaluateTensors, gradients, openReference, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const cube = elementwise({
 *   name: "cubeOfTheDocs",
 *   wgsl: "x * x * x",
 *   reference: (x) => x ** 3,
 *   vjp: (grad, x) => [grad.mul(x.square()).mul(3)],
 * });
 * const x = tensor([2, -1]);
 * const [y, slope] = await evaluateTensors([cube(x), ...gradients(cube(x), [x])], openReference());
 * assert.deepEqual([...y], [8, -1]);
 * assert.deepEqual([...slope], [12, 3]);
 * ```
 *
 * PyTorch: `autograd.Function`, with a kernel for each device.
 */
export function elementwise(
  definition: ElementwiseDefinition,
): (...operands: TensorLike[]) => Tensor {
  const { name, wgsl, vjp, types = floating } = definition;
  const arity = definition.arity ?? definition.reference.length;
  const operation: ElementwiseOperation = register<ElementwiseOperation>({
    kind: "elementwise",
    name,
    arity,
    body: (inputs, output) => typeof wgsl === "string" ? wgsl : wgsl(inputs, output),
    cost: definition.cost ?? 1,
    samples: definition.samples ?? [],
    tolerance: definition.tolerance ?? 4,
    domain: definition.domain ?? [-3, 3],
    infer: (inputs) => ({ shape: inputs[0].shape, dtype: types(name, inputs) }),
    reference: (inputs, _attributes, output) => {
      const reference = definition.typedReference
        ? definition.typedReference(inputs.map((input) => input.dtype), output.dtype)
        : definition.reference;
      const values = new Array<number>(arity);
      for (let index = 0; index < output.data.length; index++) {
        for (let place = 0; place < arity; place++) values[place] = inputs[place].data[index];
        output.data[index] = wrapInteger(output.dtype, reference(...values));
      }
    },
    vjp: vjp && ((grad, node) => vjp(grad, ...node.inputs, node)),
  });
  const build = (...operands: TensorLike[]): Tensor =>
    Tensor.node(operation, broadcastOperands(name, operands));
  registerMethod(name, build);
  return build;
}

/** Numbers become literals of the first tensor's type; all are broadcast to one shape. */
export function broadcastOperands(name: string, operands: readonly TensorLike[]): Tensor[] {
  const typed = operands.find((operand) => operand instanceof Tensor && operand.dtype !== "bool") as
    | Tensor
    | undefined;
  const tensors = operands.map((operand) =>
    operand instanceof Tensor ? operand : literalOf(name, operand, typed?.dtype ?? "f32")
  );
  if (tensors.every((tensor) => tensor.shape === tensors[0].shape)) return tensors;
  const shape = broadcastShapes(name, tensors.map((tensor) => tensor.shape));
  return tensors.map((tensor) => broadcastTo(tensor, shape));
}

function literalOf(name: string, value: number, dtype: DType): Tensor {
  // Types let `tensors[3]` be a tensor that is not there.
  if (typeof value !== "number") {
    throw new TypeError(
      `Cannot apply ${name} as its operands must be tensors or numbers: received ${value}`,
    );
  }
  if (dtype !== "f32" && wrapInteger(dtype, value) !== value) {
    throw new DTypeError(
      `Cannot apply ${name} as a number beside a tensor of ${dtype} must be a value of that type: ` +
        `received ${value} (convert the tensor with cast)`,
    );
  }
  return literal(value, dtype);
}
