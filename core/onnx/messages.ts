import { joined } from "../state/joined.ts";
import { bytesField, message, type Parts, textField, wholeField } from "../state/protobuf.ts";
import { isStatic, type OnnxDimension } from "./dimension.ts";

/** Element types of ONNX that Millrace writes. */
export type OnnxType = "f32" | "i32" | "i64" | "bool";

/** A setting of a node. */
export type OnnxAttribute =
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  | { readonly text: string }
  | { readonly graph: OnnxGraphMessage };

/** An operation on values by their names. */
export interface OnnxNode {
  /** ONNX's name of the operation: `MatMul`. */
  readonly operation: string;
  /** Name, for messages of whoever runs it. */
  readonly name: string;
  /** Names of what it takes. */
  readonly inputs: readonly string[];
  /** Names of what it makes. */
  readonly outputs: readonly string[];
  /** Its settings. */
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

/** A tensor whose elements are in the file. */
export interface OnnxTensor {
  /** Name. */
  readonly name: string;
  /** Sizes of the axes. */
  readonly shape: readonly number[];
  /** Element type. */
  readonly type: OnnxType;
  /** The elements, row by row. */
  readonly data: Float32Array | Int32Array | BigInt64Array | Uint8Array;
}

/** An input or output of a graph. */
export interface OnnxPort {
  /** Name. */
  readonly name: string;
  /** Element type. */
  readonly type: OnnxType;
  /** Sizes of the axes. */
  readonly dimensions: readonly OnnxDimension[];
}

/** A graph: of a model, or of a node that runs it many times. */
export interface OnnxGraphMessage {
  /** Name. */
  readonly name: string;
  /** Nodes, each behind those whose results it takes. */
  readonly nodes: readonly OnnxNode[];
  /** Tensors whose elements are in the file. */
  readonly initializers: readonly OnnxTensor[];
  /** What it takes. */
  readonly inputs: readonly OnnxPort[];
  /** What it makes. */
  readonly outputs: readonly OnnxPort[];
}

/** Version of the file's format, and of the operations: those of ONNX 1.13 and everything later. */
const [irVersion, opset] = [8, 18];

/** ONNX's numbers of them. */
export const elementTypes: Readonly<Record<OnnxType, number>> = { f32: 1, i32: 6, i64: 7, bool: 9 };

/** Elements as a file has them. */
export function onnxData(type: OnnxType, values: ArrayLike<number>): OnnxTensor["data"] {
  switch (type) {
    case "f32":
      return values instanceof Float32Array ? values : Float32Array.from(values);
    case "i32":
      return Int32Array.from(values);
    case "i64":
      return BigInt64Array.from(values, BigInt);
    case "bool":
      return Uint8Array.from(values);
  }
}

/**
 * The bytes of an ONNX file: message `ModelProto`.
 *
 * Source: onnx.proto of ONNX 1.13, whose field numbers these are.
 */
export function encodeOnnx(graph: OnnxGraphMessage): Uint8Array<ArrayBuffer> {
  return joined(message([
    wholeField(1, irVersion),
    textField(2, "millrace"),
    bytesField(7, encodeGraph(graph)),
    bytesField(8, message([textField(1, ""), wholeField(2, opset)])),
  ]));
}

/** Message `GraphProto`. */
function encodeGraph({ name, nodes, initializers, inputs, outputs }: OnnxGraphMessage): Parts {
  return message([
    ...nodes.map((node) => bytesField(1, encodeNode(node))),
    textField(2, name),
    ...initializers.map((tensor) => bytesField(5, encodeTensor(tensor))),
    ...inputs.map((port) => bytesField(11, encodePort(port))),
    ...outputs.map((port) => bytesField(12, encodePort(port))),
  ]);
}

/** Message `NodeProto`. */
function encodeNode({ operation, name, inputs, outputs, attributes }: OnnxNode): Parts {
  return message([
    ...inputs.map((input) => textField(1, input)),
    ...outputs.map((output) => textField(2, output)),
    textField(3, name),
    textField(4, operation),
    ...Object.entries(attributes).map(([key, value]) => bytesField(5, encodeAttribute(key, value))),
  ]);
}

/** Message `AttributeProto`; its last field says which of the others counts. */
function encodeAttribute(name: string, value: OnnxAttribute): Parts {
  if ("text" in value) return message([textField(1, name), textField(4, value.text), kind(3)]);
  if ("int" in value) return message([textField(1, name), wholeField(3, value.int), kind(2)]);
  if ("graph" in value) {
    return message([textField(1, name), bytesField(6, encodeGraph(value.graph)), kind(5)]);
  }
  return message([textField(1, name), ...value.ints.map((int) => wholeField(8, int)), kind(7)]);
}

function kind(type: number): Parts {
  return wholeField(20, type);
}

/** Message `TensorProto`. */
function encodeTensor({ name, shape, type, data }: OnnxTensor): Parts {
  return message([
    ...shape.map((size) => wholeField(1, size)),
    wholeField(2, elementTypes[type]),
    textField(8, name),
    bytesField(9, [new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]),
  ]);
}

/** Message `ValueInfoProto`, with `TypeProto` and `TensorShapeProto` in it. */
function encodePort({ name, type, dimensions }: OnnxPort): Parts {
  const shape = dimensions.map((size) =>
    bytesField(
      1,
      isStatic(size)
        ? wholeField(1, size)
        : textField(2, size.batches === 1 ? "batch" : `${size.batches}*batch`),
    )
  );
  const tensor = message([wholeField(1, elementTypes[type]), bytesField(2, message(shape))]);
  return message([textField(1, name), bytesField(2, bytesField(1, tensor))]);
}
