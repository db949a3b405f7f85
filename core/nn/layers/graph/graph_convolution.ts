import { add } from "../../../ops/add.ts";
import { ones } from "../../../ops/eager.ts";
import { div } from "../../../ops/div.ts";
import { matmul } from "../../../ops/matmul.ts";
import { mul } from "../../../ops/mul.ts";
import { reshape } from "../../../ops/reshape.ts";
import { sqrt } from "../../../ops/sqrt.ts";
import { checkCount } from "../../check_count.ts";
import type { MergeLayer } from "../../merge_layer.ts";
import { finishOf, type KernelOptions } from "../convolution/kernel_options.ts";
import { kernelWeight } from "../weighted.ts";
import {
  asGraphs,
  disjointEdges,
  fromSources,
  graphSizes,
  nodeRows,
  sumAtTargets,
} from "./edges.ts";

/** Options of {@link graphConvolution}. */
export type GraphConvolutionOptions = Omit<KernelOptions, "inputShape">;

/**
 * A convolution over a graph: activation(D^-½ (A + I) D^-½ · x · kernel + bias), where A has the
 * edges and D the degrees of A + I.
 *
 * Each node becomes the sum of its neighbours and itself, weighed by 1/√(degree · degree). The
 * inputs are `nodes` `[nodes, features]`, `edges` `[edges, 3]` as {@link edgeList} makes them and,
 * if edges have weights, those `[edges]`, at least 0; a graph with other edges becomes NaN, which stops
 * a run. A self-loop is added to each node; edges have none of their own. The weights are `kernel`
 * `[features, units]` and `bias` `[units]`.
 *
 * @param units Features of each node afterwards, from 1.
 * @param options Activation, bias, initializers, regularizers, constraints, name.
 * @returns A layer of two inputs or three, that gives `[nodes, units]`.
 * @throws {RangeError} when `units` is not a whole number from 1, or a name is not known.
 *
 * @example
 * ```ts
 * import { connect, functional, graphConvolution, input } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const nodes = input([34, 8]);
 * const edges = input([156, 3]);
 * const hidden = connect([nodes, edges], graphConvolution(16, { activation: "relu" }));
 * const outputs = connect([hidden, edges], graphConvolution(2));
 * const model = functional({ inputs: { nodes, edges }, outputs });
 * assert.deepEqual(model.outputShape, [34, 2]);
 * ```
 *
 * Source: T. N. Kipf and M. Welling, "Semi-Supervised Classification with Graph Convolutional
 * Networks", 2017, equation 2. Spektral: `GCNConv`, PyTorch Geometric: `GCNConv`.
 */
export function graphConvolution(
  units: number,
  options: GraphConvolutionOptions = {},
): MergeLayer {
  checkCount("the units of graphConvolution", units, 1);
  const finish = finishOf(options);
  const makeKernel = kernelWeight(options);
  return {
    merges: true,
    type: "GraphConvolution",
    config: { units, ...options },
    name: options.name ?? "",
    trainable: options.trainable,
    init(shapes, key) {
      const { nodes, features } = graphSizes(shapes, "weights");
      return {
        outputShape: finish.outputShape([nodes, units]),
        parameters: [makeKernel([features, units], key), ...finish.parameters(units, key)],
      };
    },
    apply({ kernel, bias }, [x, edges, weights], context) {
      graphSizes(
        [x, edges, ...(weights ? [weights] : [])].map((each) => each.shape.slice(1)),
        "weights",
      );
      const graph = disjointEdges(edges, x.shape[1]);
      const size = edges.shape[0] * edges.shape[1];
      const weighed = weights ? reshape(weights, [size, 1]) : ones([size, 1]);
      const shares = div(1, sqrt(add(sumAtTargets(weighed, graph), 1)));
      const own = mul(matmul(nodeRows(x), kernel), shares);
      const sent = fromSources(own, graph);
      const received = sumAtTargets(weights ? mul(sent, weighed) : sent, graph);
      return finish.apply(asGraphs(mul(add(received, own), shares), graph), bias, context);
    },
  };
}
