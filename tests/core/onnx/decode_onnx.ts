/** Reads ONNX files, by onnx.proto's numbers and without the code that writes them. */

/** A node as it is in a file. */
export interface DecodedNode {
  readonly operation: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** The graph that it runs, of Scan. */
  readonly body: DecodedGraph | undefined;
}

/** A graph as it is in a file. */
export interface DecodedGraph {
  readonly nodes: readonly DecodedNode[];
  /** Names and shapes of tensors in the file. */
  readonly initializers: ReadonlyMap<string, readonly number[]>;
  readonly inputs: ReadonlyMap<string, readonly (number | string)[]>;
  readonly outputs: ReadonlyMap<string, readonly (number | string)[]>;
}

type Fields = ReadonlyMap<number, readonly (bigint | Uint8Array)[]>;

/** The graph of a file, and the version of its operators. */
export function decodeOnnx(bytes: Uint8Array): { graph: DecodedGraph; opset: number } {
  const model = fieldsOf(bytes);
  const [opset] = messages(model, 8);
  return { graph: decodeGraph(messages(model, 7)[0]), opset: Number(opset.get(2)![0]) };
}

function decodeGraph(graph: Fields): DecodedGraph {
  const ports = (field: number) =>
    new Map(messages(graph, field).map((port) => [text(port, 1), shapeOf(port)] as const));
  return {
    nodes: messages(graph, 1).map((node) => {
      const [body] = messages(node, 5).flatMap((attribute) => messages(attribute, 6));
      return {
        operation: text(node, 4),
        inputs: texts(node, 1),
        outputs: texts(node, 2),
        body: body && decodeGraph(body),
      };
    }),
    initializers: new Map(
      messages(graph, 5).map((tensor) =>
        [text(tensor, 8), (tensor.get(1) ?? []).map(Number)] as const
      ),
    ),
    inputs: ports(11),
    outputs: ports(12),
  };
}

/** Sizes of an input or output: `ValueInfoProto.type.tensor_type.shape.dim`. */
function shapeOf(port: Fields): (number | string)[] {
  const [type] = messages(port, 2);
  const [tensor] = messages(type, 1);
  const [shape] = messages(tensor, 2);
  return messages(shape, 1).map((size) => size.has(1) ? Number(size.get(1)![0]) : text(size, 2));
}

function messages(fields: Fields, field: number): Fields[] {
  return (fields.get(field) ?? []).map((bytes) => fieldsOf(bytes as Uint8Array));
}

function texts(fields: Fields, field: number): string[] {
  return (fields.get(field) ?? []).map((bytes) => new TextDecoder().decode(bytes as Uint8Array));
}

function text(fields: Fields, field: number): string {
  return texts(fields, field)[0] ?? "";
}

function fieldsOf(bytes: Uint8Array): Fields {
  const fields = new Map<number, (bigint | Uint8Array)[]>();
  let place = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n;; shift += 7n) {
      const byte = bytes[place++];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const taken = (count: number) => bytes.subarray(place, place += count);
  while (place < bytes.length) {
    const key = Number(varint());
    const values = fields.get(key >> 3) ?? [];
    fields.set(key >> 3, values);
    const kind = key & 7;
    if (kind === 0) values.push(varint());
    else values.push(taken(kind === 1 ? 8 : kind === 5 ? 4 : Number(varint())));
  }
  return fields;
}
