import type { Tensor } from "../../../graph/tensor.ts";
import { add } from "../../../ops/add.ts";
import { matmul } from "../../../ops/matmul.ts";
import { relu } from "../../../ops/relu.ts";
import { segmentMax } from "../../../ops/segment_max.ts";
import { segmentMean } from "../../../ops/segment_mean.ts";
import { checkCount } from "../../check_count.ts";
import type { LayerParameter } from "../../layer.ts";
import type { MergeLayer } from "../../merge_layer.ts";
import { unitLength } from "../../unit_length.ts";
import { finishOf, type KernelOptions } from "../convolution/kernel_options.ts";
import { penalizeOutputs, weight } from "../weighted.ts";
import {
  asGraphs,
  type DisjointEdges,
  disjointEdges,
  fromSources,
  graphSizes,
  nodeRows,
} from "./edges.ts";

/** Options of {@link graphSage}. */
export interface GraphSageOptions extends Omit<KernelOptions, "inputShape"> {
  /** What stands for the neighbours: their `mean` (default), or the `max` of each feature. */
  readonly aggregator?: "mean" | "max";
  /**
   * Whether neighbours go through relu(x · pool_kernel + pool_bias) first, of the same size: with `max`
   * the paper's pooling aggregator. Default false.
   */
  readonly project?: boolean;
  /** Whether each node's outputs are divided by their Euclidean length; default false. */
  readonly normalize?: boolean;
}

/**
 * Neighbours and the node itself, each with weights of their own: activation(aggregate over
 * neighbours(x) · kernel + x · self_kernel + bias).
 *
 * The inputs are `nodes` `[nodes, features]` and `edges` `[edges, 3]` as {@link edgeList} makes
 * them; a graph with other edges becomes NaN, which stops a run. A node without edges has neighbours
 * of zeros. The weights are `kernel` and `self_kernel`
 * `[features, units]` and `bias` `[units]`; with `project`, `pool_kernel` `[features, features]` and
 * `pool_bias` `[features]` too. Initializers, regularizers and constraints of the kernel are those of
 * all kernels, and those of the bias of both biases.
 *
 * @param units Features of each node afterwards, from 1.
 * @param options Aggregator, projection, normalization, and the options of {@link dense}.
 * @returns A layer of two inputs, that gives `[nodes, units]`.
 * @throws {RangeError} when `units` is not a whole number from 1, or a name is not known.
 *
 * @example
 * ```ts
 * import { connect, functional, graphSage, input } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const nodes = input([9, 5]);
 * const edges = input([20, 3]);
 * const outputs = connect([nodes, edges], graphSage(4, { aggregator: "max" }));
 * const model = functional({ inputs: { nodes, edges }, outputs });
 * assert.deepEqual(model.parameters.map(({ shape }) => shape), [[5, 4], [5, 4], [4]]);
 * ```
 *
 * Source: W. L. Hamilton, R. Ying and J. Leskovec, "Inductive Representation Learning on Large
 * Graphs", 2017, algorithm 1; the concatenation there is the sum of two products here. PyTorch
 * Geometric: `SAGEConv`.
 */
export function graphSage(units: number, options: GraphSageOptions = {}): MergeLayer {
  const { aggregator = "mean", project = false, normalize = false } = options;
  checkCount("the units of graphSage", units, 1);
  if (aggregator !== "mean" && aggregator !== "max") {
    throw new RangeError(
      `Cannot make graphSage as aggregator must be "mean" or "max": received "${aggregator}"`,
    );
  }
  const finish = finishOf({ ...options, activityRegularizer: undefined });
  const kernel = (role: string) =>
    weight(role, {
      initializer: options.kernelInitializer ?? "glorotUniform",
      regularizer: options.kernelRegularizer,
      constraint: options.kernelConstraint,
    });
  const [neighbours, self, pool] = ["kernel", "self_kernel", "pool_kernel"].map(kernel);
  const makePoolBias = weight("pool_bias", {
    initializer: options.biasInitializer ?? "zeros",
    regularizer: options.biasRegularizer,
    constraint: options.biasConstraint,
  });
  return {
    merges: true,
    type: "GraphSage",
    config: { units, ...options },
    name: options.name ?? "",
    trainable: options.trainable,
    init(shapes, key) {
      const { nodes, features } = graphSizes(shapes);
      const parameters: LayerParameter[] = [
        neighbours([features, units], key),
        self([features, units], key),
        ...finish.parameters(units, key),
      ];
      if (project) {
        parameters.push(pool([features, features], key), makePoolBias([features], key));
      }
      return { outputShape: finish.outputShape([nodes, units]), parameters };
    },
    apply({ kernel, self_kernel, bias, pool_kernel, pool_bias }, [x, edges], context) {
      graphSizes([x, edges].map((each) => each.shape.slice(1)));
      const graph = disjointEdges(edges, x.shape[1]);
      const rows = nodeRows(x);
      const sent = project ? relu(add(matmul(rows, pool_kernel), pool_bias)) : rows;
      // A mean may be taken after the product: of fewer features, if they become fewer.
      const narrow = aggregator === "mean" && units < rows.shape[1];
      const received = narrow
        ? aggregate(matmul(sent, kernel), graph, aggregator)
        : matmul(aggregate(sent, graph, aggregator), kernel);
      const sums = add(received, matmul(rows, self_kernel));
      const outputs = finish.apply(asGraphs(sums, graph), bias, context);
      const given = normalize ? unitLength(outputs, 2) : outputs;
      return penalizeOutputs(given, options.activityRegularizer, context);
    },
  };
}

/** A row for each node: the mean or the maximum over its neighbours. */
function aggregate(x: Tensor, graph: DisjointEdges, aggregator: "mean" | "max"): Tensor {
  const fold = aggregator === "mean" ? segmentMean : segmentMax;
  return fold(fromSources(x, graph), graph.targets, graph.nodes);
}
