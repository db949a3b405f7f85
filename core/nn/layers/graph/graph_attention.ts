import type { Tensor } from "../../../graph/tensor.ts";
import { leakyRelu } from "../../../ops/activations.ts";
import { add } from "../../../ops/add.ts";
import { div } from "../../../ops/div.ts";
import { exp } from "../../../ops/exp.ts";
import { expandDims } from "../../../ops/expand_dims.ts";
import { matmul } from "../../../ops/matmul.ts";
import { maximum } from "../../../ops/maximum.ts";
import { mul } from "../../../ops/mul.ts";
import { reshape } from "../../../ops/reshape.ts";
import { segmentMax } from "../../../ops/segment_max.ts";
import { segmentSoftmax } from "../../../ops/segment_softmax.ts";
import { stopGradient } from "../../../ops/stop_gradient.ts";
import { sub } from "../../../ops/sub.ts";
import { mean, sum } from "../../../ops/sum.ts";
import { checkCount } from "../../check_count.ts";
import { checkScalar } from "../../check_scalar.ts";
import type { ApplyContext } from "../../layer.ts";
import type { MergeLayer } from "../../merge_layer.ts";
import { checkScalarSource, type ScalarSource } from "../../scalar.ts";
import { finishOf, type KernelOptions } from "../convolution/kernel_options.ts";
import { dropped, rates } from "../regularization/noise.ts";
import { weight } from "../weighted.ts";
import {
  asGraphs,
  type DisjointEdges,
  disjointEdges,
  fromSources,
  fromTargets,
  graphSizes,
  nodeRows,
  sumAtTargets,
} from "./edges.ts";

/** Options of {@link graphAttention}. */
export interface GraphAttentionOptions extends Omit<KernelOptions, "inputShape"> {
  /** How many attentions stand side by side; default 1. */
  readonly heads?: number;
  /** Whether heads stand behind each other in the outputs (default), or their mean is taken. */
  readonly concat?: boolean;
  /** Slope of the leaky ReLU below 0; default 0.2. */
  readonly negativeSlope?: number;
  /** Part of the coefficients that is tossed out in training; default 0. */
  readonly dropout?: ScalarSource;
  /** Whether a node attends to itself, too; default true. */
  readonly selfLoops?: boolean;
}

/** The lowest float32: any logit is above it. */
const lowest = -3.4028234663852886e38;

/**
 * Attention over the neighbours of each node: the sum over neighbours j of α_ij · x_j · kernel, plus
 * bias, where α_i = softmax over j of leakyReLU(s · (x_j · kernel) + t · (x_i · kernel)).
 *
 * The inputs are `nodes` `[nodes, features]` and `edges` `[edges, 3]` as {@link edgeList} makes
 * them; a graph with other edges becomes NaN, which stops a run. The weights are `kernel`
 * `[features, heads · units]`, `source_attention` s and `target_attention` t `[heads, units]`, and
 * `bias`, as long as a node's outputs. A node without edges attends to itself, and without `selfLoops`
 * to nothing: it then becomes the bias.
 *
 * @param units Features of each head, from 1.
 * @param options Heads, dropout, slope, self-loops, and the options of {@link dense}.
 * @returns A layer of two inputs, that gives `[nodes, heads · units]`, or `[nodes, units]` where the
 * mean is taken.
 * @throws {RangeError} when a number is out of its range, or a name is not known.
 *
 * @example
 * ```ts
 * import { connect, functional, graphAttention, input } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const nodes = input([9, 5]);
 * const edges = input([20, 3]);
 * const hidden = connect([nodes, edges], graphAttention(4, { heads: 8, dropout: 0.6 }));
 * const outputs = connect([hidden, edges], graphAttention(3, { heads: 2, concat: false }));
 * const model = functional({ inputs: { nodes, edges }, outputs });
 * assert.deepEqual(model.outputShape, [9, 3]);
 * ```
 *
 * Source: P. Veličković and others, "Graph Attention Networks", 2018, equations 1 to 6. Spektral:
 * `GATConv`, PyTorch Geometric: `GATConv`.
 */
export function graphAttention(units: number, options: GraphAttentionOptions = {}): MergeLayer {
  const { heads = 1, concat = true, negativeSlope = 0.2, dropout = 0, selfLoops = true } = options;
  checkCount("the units of graphAttention", units, 1);
  checkCount("the heads of graphAttention", heads, 1);
  checkScalar("the negativeSlope of graphAttention", negativeSlope);
  checkScalarSource("the dropout of graphAttention", dropout, rates);
  const finish = finishOf(options);
  const made = (role: string) =>
    weight(role, {
      initializer: options.kernelInitializer ?? "glorotUniform",
      regularizer: options.kernelRegularizer,
      constraint: options.kernelConstraint,
    });
  const [makeKernel, makeSource, makeTarget] = ["kernel", "source_attention", "target_attention"]
    .map(made);
  const width = concat ? heads * units : units;
  return {
    merges: true,
    type: "GraphAttention",
    config: { units, ...options },
    name: options.name ?? "",
    trainable: options.trainable,
    init(shapes, key) {
      const { nodes, features } = graphSizes(shapes);
      return {
        outputShape: finish.outputShape([nodes, width]),
        parameters: [
          makeKernel([features, heads * units], key),
          makeSource([heads, units], key),
          makeTarget([heads, units], key),
          ...finish.parameters(width, key),
        ],
      };
    },
    apply({ kernel, source_attention, target_attention, bias }, [x, edges], context) {
      graphSizes([x, edges].map((each) => each.shape.slice(1)));
      const graph = disjointEdges(edges, x.shape[1]);
      const h = reshape(matmul(nodeRows(x), kernel), [graph.nodes, heads, units]);
      const { ofEdges, ofNodes } = coefficients(
        sum(mul(h, source_attention), -1),
        sum(mul(h, target_attention), -1),
        graph,
        { negativeSlope, selfLoops },
      );
      const toss = tossing(dropout, context);
      const sent = mul(fromSources(h, graph), expandDims(toss(ofEdges, "mask"), 2));
      const received = sumAtTargets(sent, graph);
      const sums = ofNodes
        ? add(received, mul(h, expandDims(toss(ofNodes, "self_mask"), 2)))
        : received;
      const joined = concat ? reshape(sums, [graph.nodes, width]) : mean(sums, 1);
      return finish.apply(asGraphs(joined, graph), bias, context);
    },
  };
}

/** What each edge and each node itself counts, `[…, heads]`; those of a node add up to 1. */
function coefficients(
  asSource: Tensor,
  asTarget: Tensor,
  graph: DisjointEdges,
  options: { readonly negativeSlope: number; readonly selfLoops: boolean },
): { ofEdges: Tensor; ofNodes?: Tensor } {
  const { negativeSlope } = options;
  const logits = leakyRelu(
    add(fromSources(asSource, graph), fromTargets(asTarget, graph)),
    negativeSlope,
  );
  const { targets, nodes } = graph;
  if (!options.selfLoops) return { ofEdges: segmentSoftmax(logits, targets, nodes) };
  const own = leakyRelu(add(asSource, asTarget), negativeSlope);
  // The maximum only keeps e^x in range: the coefficients do not depend on it.
  const largest = stopGradient(maximum(segmentMax(logits, targets, nodes, { empty: lowest }), own));
  const powers = exp(sub(logits, fromTargets(largest, graph)));
  const ownPowers = exp(sub(own, largest));
  const totals = add(sumAtTargets(powers, graph), ownPowers);
  return { ofEdges: div(powers, fromTargets(totals, graph)), ofNodes: div(ownPowers, totals) };
}

/** Tosses coefficients out in training. */
function tossing(
  dropout: ScalarSource,
  context: ApplyContext,
): (x: Tensor, name: string) => Tensor {
  if (!context.training || dropout === 0) return (x) => x;
  const rate = context.scalar(dropout, "dropout", rates);
  return (x, name) => dropped(x, x.shape, rate, context.randomKey(name), context.counter);
}
