import type { DType, TensorData } from "./dtype.ts";
import type { Attributes, LeafOperation } from "./operation.ts";
import { type Shape, sizeOf } from "./shape.ts";
import { ShapeError } from "./errors.ts";
import { Tensor } from "./tensor.ts";

function leafOperation(name: string): LeafOperation {
  return {
    kind: "leaf",
    name,
    infer: (_inputs, attributes) => ({
      shape: attributes.shape as Shape,
      dtype: attributes.dtype as DType,
    }),
    reference: () => {
      throw new Error(`Cannot compute a leaf: bind "${name}" to a value first`);
    },
  };
}

/** Data that the host writes or that stays on the device: a batch, a data set, an order of rows. */
const inputOperation = leafOperation("input");
/** A value that steps read and replace: a weight, a momentum, an average. */
const stateOperation = leafOperation("state");
/** A number of the step's scalar block: learning rate, dropout rate, step number. */
const scalarOperation = leafOperation("scalar");
/** Host data that never change. */
const constantOperation = leafOperation("constant");

/** One number known when the graph is built. */
const literalOperation: LeafOperation = {
  ...leafOperation("literal"),
  reference: (_inputs, attributes, output) => void output.data.fill(attributes.value as number),
};

/** Position along an axis, counted from 0. */
const iotaOperation: LeafOperation = {
  ...leafOperation("iota"),
  reference: (_inputs, attributes, output) => {
    const axis = attributes.axis as number;
    const inner = sizeOf(output.shape.slice(axis + 1));
    for (let index = 0; index < output.data.length; index++) {
      output.data[index] = Math.floor(index / inner) % output.shape[axis];
    }
  },
};

/** A place for data that the host provides, of `shape` and `dtype`; `name` is for messages. */
export function inputLeaf(name: string, shape: Shape, dtype: DType): Tensor {
  return Tensor.leaf(inputOperation, { name }, shape, dtype);
}

/** A value kept on the device from step to step, of `shape` and `dtype`. */
export function stateLeaf(name: string, shape: Shape, dtype: DType = "f32"): Tensor {
  return Tensor.leaf(stateOperation, { name }, shape, dtype);
}

/** A number of the scalar block; the host may change it before every step. */
export function scalarLeaf(name: string, dtype: "f32" | "u32" = "f32"): Tensor {
  return Tensor.leaf(scalarOperation, { name }, [], dtype);
}

const constants = new WeakMap<Tensor, TensorData>();

/** Host `data` as a leaf of `shape`; the data must not change afterwards. */
export function constantLeaf(data: TensorData, shape: Shape, dtype: DType): Tensor {
  if (data.length !== sizeOf(shape)) {
    throw new ShapeError(
      `Cannot make a tensor of shape [${shape.join(", ")}] from ${data.length} elements: ` +
        `expected ${sizeOf(shape)}`,
    );
  }
  const leaf = Tensor.leaf(constantOperation, {}, shape, dtype);
  constants.set(leaf, data);
  return leaf;
}

/** The host data of a {@link constantLeaf}; `undefined` for other tensors. */
export function constantData(leaf: Tensor): TensorData | undefined {
  return constants.get(leaf);
}

/** A scalar literal; those of one value and type have one key, and make the same nodes. */
export function literal(value: number, dtype: DType = "f32"): Tensor {
  // JSON has no NaN, infinities or −0, and the value is part of the node's key.
  const text = Object.is(value, -0) ? "-0" : String(value);
  const attributes: Attributes = { shape: [], dtype, value, text };
  return Tensor.node(literalOperation, [], attributes);
}

/** Positions along `axis` of a tensor of `shape`, from 0. */
export function iota(shape: Shape, axis: number, dtype: "u32" | "i32" | "f32" = "u32"): Tensor {
  return Tensor.node(iotaOperation, [], { shape, dtype, axis });
}

/** True for leaves that have memory of their own. */
export function isBound({ operation }: Tensor): boolean {
  return operation.kind === "leaf" && operation !== literalOperation && operation !== iotaOperation;
}
