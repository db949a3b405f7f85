import { ShapeError } from "../../../graph/errors.ts";
import { inputLeaf } from "../../../graph/leaf.ts";
import { formatShape, type Shape } from "../../../graph/shape.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { concat } from "../../../ops/concat.ts";
import { reshape } from "../../../ops/reshape.ts";
import { segmentSum } from "../../../ops/segment.ts";
import { segmentMax } from "../../../ops/segment_max.ts";
import { segmentMean } from "../../../ops/segment_mean.ts";
import { checkChoice } from "../../check_choice.ts";
import type { ApplyContext, Layer, LayerParameter } from "../../layer.ts";
import type { MergeLayer } from "../../merge_layer.ts";
import type { NamedKey } from "../../named_key.ts";
import { withParameterFields } from "../../parameter_fields.ts";
import { layerContext } from "../recurrent/inner_context.ts";
import {
  asGraphs,
  disjointEdges,
  fromSources,
  fromTargets,
  type GraphLayerOptions,
  graphSizes,
  nodeRows,
} from "./edges.ts";

/** What a message is made of: a row for each edge. */
export interface MessageInputs {
  /** The node where the edge begins, `[edges, features]`. */
  readonly source: Tensor;
  /** The node where it ends, `[edges, features]`. */
  readonly target: Tensor;
  /** What the edge itself has, `[edges, …]`; left out where the layer has two inputs. */
  readonly edge?: Tensor;
}

/** What a node becomes is made of: a row for each node. */
export interface UpdateInputs {
  /** The node, `[nodes, features]`. */
  readonly node: Tensor;
  /** What its messages have become, `[nodes, messages]`. */
  readonly messages: Tensor;
}

/** Messages `[edges, …]` as a function of tensors. */
export type MessageFunction = (inputs: MessageInputs) => Tensor;

/** What nodes become, `[nodes, …]`, as a function of tensors. */
export type UpdateFunction = (inputs: UpdateInputs) => Tensor;

/** How the messages of a node become one row. */
export type Aggregation = "sum" | "mean" | "max";

/** Options of {@link messagePassing}. */
export interface MessagePassingOptions extends GraphLayerOptions {
  /**
   * What an edge sends: a function, or a layer of the rows of source, target and edge behind each
   * other; default what the source has.
   */
  readonly message?: MessageFunction | Layer;
  /**
   * What becomes of a node: a function, or a layer of the rows of node and messages behind each
   * other; default the messages.
   */
  readonly update?: UpdateFunction | Layer;
  /** How the messages of a node become one row; default `sum`. A node without edges has zeros. */
  readonly aggregate?: Aggregation;
}

const folds = { sum: segmentSum, mean: segmentMean, max: segmentMax };

/** A part of the layer: a function of tensors, or a layer with weights of its own. */
interface Part {
  outputOf(inputs: readonly Shape[], key: NamedKey): { width: number; weights: LayerParameter[] };
  apply(
    inputs: readonly Tensor[],
    parameters: Readonly<Record<string, Tensor>>,
    context: ApplyContext,
  ): Tensor;
}

/**
 * Message passing in general: y_i = update(x_i, aggregate over edges from j to i of message(x_j, x_i,
 * edge)).
 *
 * The inputs are `nodes` `[nodes, features]`, `edges` `[edges, 3]` as {@link edgeList} makes them and,
 * if edges have features, those `[edges, …]`; a graph with other edges becomes NaN, which stops a run.
 * Weights of the layers `message` and `update` are named `message_kernel`, `update_kernel` and so on.
 *
 * @param options Message, update, aggregation, name.
 * @returns A layer of two inputs or three, that gives `[nodes, …]`. `modelToJson` refuses it with
 * functions, as a text holds none; layers are written.
 * @throws {RangeError} when the aggregation is not known.
 * @throws {ShapeError} when a model is made and a part does not give a row for each row.
 *
 * @example
 * ```ts
 * import { connect, dense, functional, input, messagePassing } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const nodes = input([9, 5]);
 * const edges = input([20, 3]);
 * const bonds = input([20, 4]);
 * const layer = messagePassing({
 *   message: dense(16, { activation: "relu" }),
 *   aggregate: "max",
 *   update: ({ node, messages }) => node.sum(-1, { keepDims: true }).add(messages),
 * });
 * const model = functional({
 *   inputs: { nodes, edges, bonds },
 *   outputs: connect([nodes, edges, bonds], layer),
 * });
 * assert.deepEqual(model.outputShape, [9, 16]);
 * assert.deepEqual(model.parameters[0].shape, [5 + 5 + 4, 16]);
 * ```
 *
 * Source: J. Gilmer and others, "Neural Message Passing for Quantum Chemistry", 2017, equations 1 and
 * 2. Spektral: `MessagePassing`, PyTorch Geometric: `MessagePassing`.
 */
export function messagePassing(options: MessagePassingOptions = {}): MergeLayer {
  const { aggregate = "sum" } = options;
  checkChoice("messagePassing", "aggregate", aggregate, Object.keys(folds));
  const message = partOf("message", options.message ?? (({ source }) => source), (rows) => {
    const [source, target, edge] = rows;
    return { source, target, ...(edge && { edge }) };
  });
  const update = partOf("update", options.update ?? (({ messages }) => messages), (rows) => {
    const [node, messages] = rows;
    return { node, messages };
  });
  return {
    merges: true,
    type: "MessagePassing",
    config: { ...options },
    name: options.name ?? "",
    trainable: options.trainable,
    init(shapes, key) {
      const { nodes, features } = graphSizes(shapes, "features of edges");
      const ofEdge = shapes.length > 2 ? [[shapes[2][1] ?? 1]] : [];
      const sent = message.outputOf([[features], [features], ...ofEdge], key);
      const made = update.outputOf([[features], [sent.width]], key);
      return {
        outputShape: [nodes, made.width],
        parameters: [...sent.weights, ...made.weights],
      };
    },
    apply(parameters, [x, edges, features], context) {
      const given = features ? [x, edges, features] : [x, edges];
      graphSizes(given.map((each) => each.shape.slice(1)), "features of edges");
      const graph = disjointEdges(edges, x.shape[1]);
      const rows = nodeRows(x);
      const ends = [fromSources(rows, graph), fromTargets(rows, graph)];
      const ofEdges = features ? [reshape(features, [edges.shape[0] * edges.shape[1], -1])] : [];
      const sent = message.apply([...ends, ...ofEdges], parameters, context);
      const received = folds[aggregate](sent, graph.targets, graph.nodes);
      return asGraphs(update.apply([rows, received], parameters, context), graph);
    },
  };
}

function partOf<Inputs>(
  role: string,
  made: ((inputs: Inputs) => Tensor) | Layer,
  named: (rows: readonly Tensor[]) => Inputs,
): Part {
  const prefix = `${role}_`;
  if (typeof made === "function") {
    return {
      outputOf(inputs) {
        const rows = 2;
        const leaves = inputs.map((shape) => inputLeaf(role, [rows, ...shape], "f32"));
        return { width: widthOf(role, made(named(leaves)).shape, rows), weights: [] };
      },
      apply: (inputs) => made(named(inputs)),
    };
  }
  return {
    outputOf(inputs, key) {
      const width = inputs.reduce((total, [size]) => total + size, 0);
      const { outputShape, parameters } = made.init([width], key.fold(prefix));
      return {
        width: widthOf(role, [2, ...outputShape], 2),
        weights: parameters.map((weight) =>
          withParameterFields(weight, {
            name: `${prefix}${weight.name}`,
            trainable: weight.trainable && made.trainable !== false,
          })
        ),
      };
    },
    apply(inputs, parameters, context) {
      const own = Object.entries(parameters).filter(([name]) => name.startsWith(prefix))
        .map(([name, value]) => [name.slice(prefix.length), value]);
      return made.apply(
        Object.fromEntries(own),
        inputs.length === 1 ? inputs[0] : concat(inputs, 1),
        layerContext(made, context, prefix, undefined),
      );
    },
  };
}

function widthOf(role: string, shape: Shape, rows: number): number {
  if (shape.length === 2 && shape[0] === rows) return shape[1];
  throw new ShapeError(
    `expected a ${role} that gives a row for each row, got ${formatShape(shape)} for ${rows} rows`,
  );
}
