import { constantLeaf, inputLeaf } from "../graph/leaf.ts";
import type { Shape } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { AnyModel } from "../nn/connect.ts";
import {
  entriesOf,
  fromEntries,
  type NamedEntry,
  tensorEntries,
  type Tensors,
} from "../nn/named.ts";
import { exportContext } from "./export_context.ts";
import { Trace, tracedBatches, type TracedNode } from "./trace.ts";

/** An input or output of a model: its name in the file, and its node. */
export interface TracedPort {
  /** Its name. */
  readonly name: string;
  /** What it is. */
  readonly node: TracedNode;
}

/** A model as a graph for any batch size. */
export interface TracedModel {
  /** What it takes. */
  readonly inputs: readonly TracedPort[];
  /** What it makes. */
  readonly outputs: readonly TracedPort[];
  /** Names of the tensors that are weights. */
  readonly weights: ReadonlyMap<Tensor, string>;
}

/**
 * Applies a model, as in inference, to batches of both sizes, and makes one graph of them.
 *
 * @param model The model; its weights are those of now.
 * @param hasForm Whether an op has a form in ONNX.
 */
export function traceModel(model: AnyModel, hasForm: (name: string) => boolean): TracedModel {
  // Copies, as a run may change the weights before the file is written.
  const leaves = new Map(
    model.parameters.map((parameter) =>
      [parameter, constantLeaf(parameter.value.slice(), parameter.shape, "f32")] as const
    ),
  );
  const [one, other] = tracedBatches.map((batch) => {
    const inputs = entriesOf<Shape>(model.inputShape, Array.isArray).map(([name, shape]) =>
      [name, inputLeaf(name ?? "input", [batch, ...shape], "f32")] as const
    );
    const outputs = model.apply(leaves, fromEntries(inputs) as Tensors, exportContext);
    return { inputs, outputs: tensorEntries(outputs) };
  });
  const trace = new Trace(hasForm);
  const ports = (
    entries: readonly NamedEntry<Tensor>[],
    others: readonly NamedEntry<Tensor>[],
    nameOf: (name: string | null) => string,
  ) =>
    entries.map(([name, tensor], place) => ({
      name: nameOf(name),
      node: trace.node(tensor, others[place][1]),
    }));
  const taken = new Set(one.inputs.map(([name]) => name ?? "input"));
  return {
    inputs: ports(one.inputs, other.inputs, (name) => name ?? "input"),
    outputs: ports(one.outputs, other.outputs, (given) => {
      const name = given ?? "output";
      return taken.has(name) ? `${name}_output` : name;
    }),
    weights: new Map([...model.weights].map(([name, weight]) => [leaves.get(weight)!, name])),
  };
}
