import { onnxData, type OnnxPort, type OnnxTensor, type OnnxType } from "./messages.ts";

/** A value of an ONNX graph. */
export interface OnnxValue extends OnnxPort {
  /** Its elements, of one that is in the file if a node takes it. */
  readonly data?: OnnxTensor["data"];
  /** What it is another view of, and which one. */
  readonly view?: OnnxView;
}

/** A way to look at a value: in another shape, or with its axes in another order. */
export interface OnnxView {
  /** The value. */
  readonly of: OnnxValue;
  /** The order of its axes; left out, the view is another shape. */
  readonly axes?: readonly number[];
}

/** What all graphs of an ONNX file have in common: names, and tensors whose elements are in it. */
export class OnnxFile {
  /** The tensors that a node takes, by their names. */
  readonly initializers: OnnxTensor[] = [];
  readonly #names: Set<string>;
  readonly #used = new Map<OnnxValue, string>();
  /** Values of which there is one for each content: numbers, shapes, and views of tensors. */
  readonly #known = new Map<OnnxValue | null, Map<string, OnnxValue>>();

  /** @param names Names that are taken: those of inputs and outputs. */
  constructor(names: Iterable<string>) {
    this.#names = new Set(names);
  }

  /** A name that nothing else has. */
  unique(wanted: string): string {
    let name = wanted;
    for (let count = 2; this.#names.has(name); count++) name = `${wanted}_${count}`;
    this.#names.add(name);
    return name;
  }

  /** The name of a value that a node takes; one with elements comes into the file. */
  nameFor(value: OnnxValue): string {
    const { type, dimensions, data } = value;
    if (!data) return value.name;
    const known = this.#used.get(value);
    if (known !== undefined) return known;
    const name = this.unique(value.name);
    this.#used.set(value, name);
    this.initializers.push({ name, type, shape: dimensions as number[], data });
    return name;
  }

  /** The value of a content, made if it is not there: of a number, or of a view of `source`. */
  known(source: OnnxValue | null, content: string, make: () => OnnxValue): OnnxValue {
    const values = this.#known.get(source) ?? new Map<string, OnnxValue>();
    this.#known.set(source, values);
    const value = values.get(content) ?? make();
    values.set(content, value);
    return value;
  }

  /** Elements in a shape, which are the same value for the same content. */
  constant(type: OnnxType, shape: readonly number[], values: readonly number[]): OnnxValue {
    const text = values.map((value) => Object.is(value, -0) ? "-0" : value).join();
    return this.known(null, `${type} [${shape}] ${text}`, () => ({
      ...{ name: "constant", type, dimensions: shape },
      data: onnxData(type, values),
    }));
  }
}
