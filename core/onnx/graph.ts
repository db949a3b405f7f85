import { transposedData } from "../state/transposed_data.ts";
import { broadcastDimensions, isStatic, type OnnxDimension, sameDimensions } from "./dimension.ts";
import { OnnxFile, type OnnxValue } from "./file.ts";
import {
  elementTypes,
  type OnnxAttribute,
  type OnnxGraphMessage,
  type OnnxNode,
  type OnnxPort,
  type OnnxType,
} from "./messages.ts";

export type { OnnxValue } from "./file.ts";

/** What a node makes: a value's type and sizes. */
export type Made = Pick<OnnxPort, "type" | "dimensions">;

type Settings = Readonly<Record<string, OnnxAttribute>>;

/** The least whole number of ONNX: an end before the first element. */
const least = -(2 ** 63);

/** An ONNX graph that is being made, node by node. */
export class OnnxGraph {
  readonly #nodes: OnnxNode[] = [];
  readonly #file: OnnxFile;
  readonly #isInner: boolean;
  #batchSize?: OnnxValue;
  /** The layer that nodes are made for; it stands in their names. */
  label: string | null = null;

  /**
   * @param inputs What the graph takes; the first axis of the first one is the batch.
   * @param outputs Names that its outputs will have.
   * @param around The graph that runs this one, whose values are seen here.
   */
  constructor(
    readonly inputs: readonly OnnxValue[],
    outputs: readonly string[],
    around?: OnnxGraph,
  ) {
    const names = [...inputs.map(({ name }) => name), ...outputs];
    this.#file = around ? around.#file : new OnnxFile(names);
    this.label = around?.label ?? null;
    this.#isInner = around !== undefined;
  }

  /** A name that no other value has, with the layer's before it. */
  nameOf(wanted: string): string {
    return this.#file.unique(this.label ? `${this.label}/${wanted}` : wanted);
  }

  /** A node that makes one value. */
  node(
    operation: string,
    inputs: readonly OnnxValue[],
    made: Made,
    attributes: Settings = {},
  ): OnnxValue {
    return this.nodes(operation, inputs, [made], attributes)[0];
  }

  /** A node that makes several values. */
  nodes(
    operation: string,
    inputs: readonly OnnxValue[],
    made: readonly Made[],
    attributes: Settings = {},
  ): OnnxValue[] {
    const outputs = made.map(({ type, dimensions }) => ({
      ...{ type, dimensions },
      name: this.nameOf(operation),
    }));
    this.#add(operation, inputs, outputs, attributes);
    return outputs;
  }

  /** A value under another name: an output of the graph. */
  named(value: OnnxValue, name: string): OnnxValue {
    const output = { type: value.type, dimensions: value.dimensions, name };
    this.#add("Identity", [value], [output], {});
    return output;
  }

  #add(
    operation: string,
    inputs: readonly OnnxValue[],
    outputs: readonly OnnxValue[],
    attributes: Settings,
  ): void {
    this.#nodes.push({
      operation,
      name: outputs[0].name,
      inputs: inputs.map((input) => this.#file.nameFor(input)),
      outputs: outputs.map(({ name }) => name),
      attributes,
    });
  }

  /** A number. */
  number(value: number, type: OnnxType = "f32"): OnnxValue {
    return this.#file.constant(type, [], [value]);
  }

  /** Whole numbers, such as a shape. */
  wholes(values: readonly number[]): OnnxValue {
    return this.#file.constant("i64", [values.length], values);
  }

  /** The same elements in another shape; a reshape of a reshape is one. */
  reshape(value: OnnxValue, dimensions: readonly OnnxDimension[]): OnnxValue {
    const of = value.view && !value.view.axes ? value.view.of : value;
    if (sameDimensions(of.dimensions, dimensions)) return of;
    if (of.data) {
      return this.#file.known(of, `[${dimensions}]`, () => ({ ...of, dimensions, view: { of } }));
    }
    const free = dimensions.filter((size) => !isStatic(size)).length;
    const shape = free > 1
      ? this.#shape(dimensions)
      : this.wholes(dimensions.map((size) => isStatic(size) ? size : -1));
    const made = { type: value.type, dimensions };
    return { ...this.node("Reshape", [of, shape], made), view: { of } };
  }

  /** The value with its axes in another order; a transpose of a transpose is one. */
  transpose(value: OnnxValue, order: readonly number[]): OnnxValue {
    const before = value.view?.axes;
    const of = before ? value.view!.of : value;
    const axes = before ? order.map((axis) => before[axis]) : order;
    if (axes.every((axis, place) => axis === place)) return of;
    const dimensions = axes.map((axis) => of.dimensions[axis]);
    const { data } = of;
    if (data) {
      return this.#file.known(of, `order ${axes}`, () => ({
        ...{ name: of.name, type: of.type, dimensions },
        data: transposedData(data, of.dimensions as number[], axes),
      }));
    }
    const made = { type: of.type, dimensions };
    return { ...this.node("Transpose", [of], made, { perm: { ints: axes } }), view: { of, axes } };
  }

  /** The value broadcast to sizes that it may not have yet. */
  expanded(value: OnnxValue, dimensions: readonly OnnxDimension[]): OnnxValue {
    if (sameDimensions(value.dimensions, dimensions)) return value;
    return this.node("Expand", [value, this.#shape(dimensions)], { type: value.type, dimensions });
  }

  /** The part of an axis from `begin` to `end`. */
  slice(value: OnnxValue, axis: number, begin: number, end: number): OnnxValue {
    const dimensions = value.dimensions.with(axis, end - begin);
    const bounds = [begin, end, axis].map((bound) => this.wholes([bound]));
    return this.node("Slice", [value, ...bounds], { type: value.type, dimensions });
  }

  /** The value with an axis turned round. */
  flip(value: OnnxValue, axis: number): OnnxValue {
    const bounds = [-1, least, axis, -1].map((bound) => this.wholes([bound]));
    return this.node("Slice", [value, ...bounds], value);
  }

  /** The value as another type. */
  cast(value: OnnxValue, type: OnnxType): OnnxValue {
    if (value.type === type) return value;
    const made = { type, dimensions: value.dimensions };
    return this.node("Cast", [value], made, { to: { int: elementTypes[type] } });
  }

  /** The elementwise op `operation` of a value. */
  unary(operation: string, value: OnnxValue): OnnxValue {
    return this.node(operation, [value], value);
  }

  /** The elementwise op `operation` of values of one type, which are broadcast. */
  binary(operation: string, one: OnnxValue, other: OnnxValue): OnnxValue {
    const dimensions = broadcastDimensions([one.dimensions, other.dimensions]);
    return this.node(operation, [one, other], { type: one.type, dimensions });
  }

  /** Whether the comparison `operation` of values of one type, which are broadcast, holds. */
  compare(operation: string, one: OnnxValue, other: OnnxValue): OnnxValue {
    const dimensions = broadcastDimensions([one.dimensions, other.dimensions]);
    return this.node(operation, [one, other], { type: "bool", dimensions });
  }

  /** The first value where the condition holds, else the other one; all are broadcast. */
  where(condition: OnnxValue, value: OnnxValue, other: OnnxValue): OnnxValue {
    const operands = [condition, value, other];
    const dimensions = broadcastDimensions(operands.map((operand) => operand.dimensions));
    return this.node("Where", operands, { type: value.type, dimensions });
  }

  /** The whole numbers below a size, from 0, `[size]`, i64. */
  range(size: OnnxDimension): OnnxValue {
    if (isStatic(size)) return this.wholes(Array.from({ length: size }, (_, place) => place));
    const bounds = [this.number(0, "i64"), this.size(size), this.number(1, "i64")];
    return this.node("Range", bounds, { type: "i64", dimensions: [size] });
  }

  /** A size as a number, i64. */
  size(size: OnnxDimension): OnnxValue {
    if (isStatic(size)) return this.number(size, "i64");
    return this.reshape(this.#batches(size.batches), []);
  }

  /** Sizes as a tensor; those beside each other that are known are one part of it. */
  #shape(dimensions: readonly OnnxDimension[]): OnnxValue {
    const parts: OnnxValue[] = [];
    for (let axis = 0; axis < dimensions.length;) {
      const size = dimensions[axis];
      const end = dimensions.findIndex((next, place) => place >= axis && !isStatic(next));
      const known = dimensions.slice(axis, end < 0 ? dimensions.length : end).filter(isStatic);
      parts.push(isStatic(size) ? this.wholes(known) : this.#batches(size.batches));
      axis += Math.max(known.length, 1);
    }
    if (parts.length === 1) return parts[0];
    const made: Made = { type: "i64", dimensions: [dimensions.length] };
    return this.node("Concat", parts, made, { axis: { int: 0 } });
  }

  /** A multiple of the batch size, `[1]`. */
  #batches(count: number): OnnxValue {
    const made: Made = { type: "i64", dimensions: [1] };
    const ends = { start: { int: 0 }, end: { int: 1 } };
    this.#batchSize ??= this.node("Shape", [this.inputs[0]], made, ends);
    if (count === 1) return this.#batchSize;
    return this.node("Mul", [this.#batchSize, this.wholes([count])], made);
  }

  /** What the graph is in the file. */
  message(name: string, outputs: readonly OnnxPort[]): OnnxGraphMessage {
    return {
      name,
      nodes: this.#nodes,
      initializers: this.#isInner ? [] : this.#file.initializers,
      inputs: this.inputs,
      outputs,
    };
  }
}
