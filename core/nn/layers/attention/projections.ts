import { ShapeError } from "../../../graph/errors.ts";
import { formatShape, type Shape, sizeOf } from "../../../graph/shape.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { add } from "../../../ops/add.ts";
import { matmul } from "../../../ops/matmul.ts";
import { reshape } from "../../../ops/reshape.ts";
import type { Constraint } from "../../constraint.ts";
import type { Initializer } from "../../initializer.ts";
import type { InitializerName } from "../../initializers/by_name.ts";
import type { LayerParameter } from "../../layer.ts";
import type { NamedKey } from "../../named_key.ts";
import type { Regularizer } from "../../regularizer.ts";
import { weight } from "../weighted.ts";

/** Options of the projections of attention. */
export interface ProjectionOptions {
  /** Whether numbers are added to the projections; default true. */
  readonly useBias?: boolean;
  /** How the kernels start; default `glorotUniform`. */
  readonly kernelInitializer?: InitializerName | Initializer;
  /** How the biases start; default `zeros`. */
  readonly biasInitializer?: InitializerName | Initializer;
  /** Penalty on the kernels; default none. */
  readonly kernelRegularizer?: Regularizer;
  /** Penalty on the biases; default none. */
  readonly biasRegularizer?: Regularizer;
  /** What the kernels must keep after every update; default nothing. */
  readonly kernelConstraint?: Constraint;
  /** What the biases must keep after every update; default nothing. */
  readonly biasConstraint?: Constraint;
}

/** Shapes of the kernels by their roles, and how many of their last axes are outputs. */
export type ProjectionShapes = Readonly<Record<string, readonly [kernel: Shape, outputs: number]>>;

/** A maker of the weights of projections: `query_kernel`, `query_bias` and so on. */
export function projectionWeights(
  options: ProjectionOptions,
  roles: readonly string[],
): (shapes: ProjectionShapes, key: NamedKey) => LayerParameter[] {
  const { useBias = true } = options;
  const makers = roles.map((role) => ({
    role,
    kernel: weight(`${role}_kernel`, {
      initializer: options.kernelInitializer ?? "glorotUniform",
      regularizer: options.kernelRegularizer,
      constraint: options.kernelConstraint,
    }),
    bias: weight(`${role}_bias`, {
      initializer: options.biasInitializer ?? "zeros",
      regularizer: options.biasRegularizer,
      constraint: options.biasConstraint,
    }),
  }));
  return (shapes, key) =>
    makers.flatMap(({ role, kernel, bias }) => {
      const [shape, outputs] = shapes[role];
      const made = kernel(shape, key);
      return useBias ? [made, bias(shape.slice(shape.length - outputs), key)] : [made];
    });
}

/**
 * `x` projected by the weights of a role: the last axes of `x` and the first ones of the kernel are
 * summed over, all but `outputs` of its axes.
 */
export function project(
  parameters: Readonly<Record<string, Tensor>>,
  role: string,
  x: Tensor,
  outputs: number,
): Tensor {
  const kernel = parameters[`${role}_kernel`];
  const bias = parameters[`${role}_bias`];
  const summed = kernel.shape.slice(0, kernel.rank - outputs);
  const given = kernel.shape.slice(kernel.rank - outputs);
  const kept = x.shape.slice(0, x.rank - summed.length);
  if (summed.some((size, axis) => x.shape[kept.length + axis] !== size)) {
    throw new ShapeError(
      `expected a ${role} of ${formatShape(summed)} features, got ${formatShape(x.shape)}`,
    );
  }
  const rows = reshape(x, [sizeOf(kept), sizeOf(summed)]);
  const product = matmul(rows, reshape(kernel, [sizeOf(summed), sizeOf(given)]));
  const added = bias ? add(product, reshape(bias, [sizeOf(given)])) : product;
  return reshape(added, [...kept, ...given]);
}
