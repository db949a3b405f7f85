import type { Tensor } from "../graph/tensor.ts";
import { checkCount } from "./check_count.ts";
import { isNode, type ModelNode } from "./connect.ts";
import type { InputLayer } from "./layers/input.ts";
import { Model } from "./model.ts";
import { buildGraph } from "./model_graph.ts";
import { entriesOf, type NamedEntry, type OneOrNamed } from "./named.ts";
import type { ModelOptions } from "./sequential.ts";

/** The tensors of nodes: one for a node, a record for nodes by name. */
export type TensorsOf<Nodes> = Nodes extends ModelNode ? Tensor
  : { readonly [Name in keyof Nodes]: Tensor };

/** What a functional model is made from: inputs, outputs, and the options of {@link sequential}. */
export interface FunctionalDefinition<
  Inputs extends OneOrNamed<InputLayer>,
  Outputs extends OneOrNamed<ModelNode>,
> extends ModelOptions {
  /** The inputs: one made by {@link input}, or several by name. */
  readonly inputs: Inputs;
  /** The outputs: one node, or several by name. */
  readonly outputs: Outputs;
}

/**
 * A model whose layers form a graph: several inputs and outputs, shared layers, models as layers.
 *
 * The names of `inputs` and `outputs` are those of data, losses, metrics and predictions, and the
 * compiler knows them: `step.outputs.price`. Layers are named as in {@link sequential}, in the order
 * in which the outputs need them.
 *
 * @param definition Inputs, outputs, name, seed, whether segments are computed again.
 * @returns The model, with weights.
 * @throws {Error} when an output depends on an input that is not listed, two layers or inputs have
 * one name, or shapes do not fit; the message names the layer.
 *
 * @example
 * ```ts
 * import { connect, dense, functional, input } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const text = input([11]);
 * const hidden = connect(text, dense(16, { activation: "relu" }));
 * const model = functional({
 *   inputs: { text },
 *   outputs: {
 *     kind: connect(hidden, dense(4, { activation: "softmax" })),
 *     price: connect(hidden, dense(1)),
 *   },
 * });
 * assert.deepEqual(model.inputShape, { text: [11] });
 * assert.deepEqual(model.outputShape, { kind: [4], price: [1] });
 * ```
 *
 * Keras: `Model(inputs, outputs)`, the functional API. PyTorch: a `Module` with a `forward` of your
 * own.
 */
export function functional<
  const Inputs extends OneOrNamed<InputLayer>,
  const Outputs extends OneOrNamed<ModelNode>,
>(
  definition: FunctionalDefinition<Inputs, Outputs>,
): Model<TensorsOf<Inputs>, TensorsOf<Outputs>> {
  const { name = "functional", seed = 0, recompute } = definition;
  checkCount(`the seed of the model ${name}`, seed);
  if (recompute !== undefined) checkCount(`recompute of the model ${name}`, recompute, 1);
  const inputs = entriesOf<InputLayer>(definition.inputs, isNode);
  const outputs = entriesOf<ModelNode>(definition.outputs, isNode);
  checkNodes(name, "inputs", inputs);
  checkNodes(name, "outputs", outputs);
  const strange = inputs.find(([, node]) => node.type !== "InputLayer");
  if (strange) {
    throw new TypeError(
      `Cannot make the model ${name} as its inputs must be made by input(shape): received the ` +
        `output of a layer${strange[0] === null ? "" : ` as ${strange[0]}`}`,
    );
  }
  if (new Set(inputs.map(([, node]) => node)).size < inputs.length) {
    throw new TypeError(`Cannot make the model ${name} as one input stands under two names`);
  }
  return new Model({
    type: "Functional",
    name,
    seed,
    graph: buildGraph({ name, seed, inputs, outputs }),
    inputKeys: inputs.map(([key]) => key),
    outputKeys: outputs.map(([key]) => key),
    recompute,
  });
}

function checkNodes(model: string, what: string, entries: readonly NamedEntry<ModelNode>[]): void {
  if (entries.length === 0) {
    throw new TypeError(`Cannot make the model ${model} as it needs ${what}: received none`);
  }
  for (const [key, node] of entries) {
    if (!isNode(node)) {
      throw new TypeError(
        `Cannot make the model ${model} as its ${what} must be made by input or connect: ` +
          `received ${node === null ? "null" : typeof node}${key === null ? "" : ` as ${key}`}`,
      );
    }
    if (key !== null && !/^\w[\w.-]*$/.test(key)) {
      throw new TypeError(
        `Cannot make the model ${model} as names of ${what} are made of letters, digits, "_", "." ` +
          `and "-": received ${JSON.stringify(key)}`,
      );
    }
  }
}
