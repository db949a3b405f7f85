import { ShapeError } from "../../../graph/errors.ts";
import { formatShape, type Shape, sizeOf } from "../../../graph/shape.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { checkCount } from "../../check_count.ts";
import { checkScalar } from "../../check_scalar.ts";
import type { ApplyContext } from "../../layer.ts";
import type { LoneMergeLayer } from "../../merge_layer.ts";
import { type NamedKey, namedKey } from "../../named_key.ts";
import { checkScalarSource, type ScalarSource } from "../../scalar.ts";
import { rates } from "../regularization/noise.ts";
import { attend, attendAndTell, type AttendOptions, type Heads } from "./attend.ts";
import { project, type ProjectionOptions, projectionWeights } from "./projections.ts";
import { type Rotation, turnedByPlace } from "./rotary_embedding.ts";
import type { AttentionOutputs } from "./unprojected_attention.ts";

/** Options of positions that are told by turning queries and keys. */
export interface RotaryOptions {
  /**
   * The longest wave, in 2π steps, of {@link rotaryEmbedding} within the heads: queries and keys are
   * turned by their places once they are projected. 10,000 is usual; default none.
   */
  readonly ropeMaxWavelength?: number;
  /** What places are divided by then, for sequences longer than those trained on; default 1. */
  readonly ropeScalingFactor?: number;
}

/** Options of every layer of attention with projections. */
export interface ProjectedAttentionOptions extends ProjectionOptions, RotaryOptions {
  /** Share of the weights that is tossed out in training, from 0 to 1; default 0. */
  readonly dropout?: ScalarSource;
  /** Seed of what is tossed out; by default that of the run, folded with the layer's name. */
  readonly seed?: number;
  /** Whether a query sees the keys up to its own place alone; default false. */
  readonly useCausalMask?: boolean;
  /**
   * Whether the weights of the values, before dropout, are given, too: the layer's outputs are then
   * `outputs` and `attentionScores` `[heads, queries, keys]`, by name; default false.
   */
  readonly returnAttentionScores?: boolean;
  /** Name; default the type and a count. */
  readonly name?: string;
  /** Whether optimizers change the layer's weights; default true. */
  readonly trainable?: boolean;
}

/** Sizes of heads. */
export interface HeadSizes {
  /** Heads of queries. */
  readonly heads: number;
  /** Heads of keys and values. */
  readonly keyHeads: number;
  /** Numbers of a query and a key. */
  readonly keyDim: number;
  /** Numbers of a value. */
  readonly valueDim: number;
}

const roles = ["query", "key", "value", "attention_output"] as const;

/** A layer of attention with projections. */
export function projectedAttention(
  { type, factory, config }: {
    type: string;
    factory: string;
    config: Readonly<Record<string, unknown>>;
  },
  { heads, keyHeads, keyDim, valueDim }: HeadSizes,
  options: ProjectedAttentionOptions & { readonly outputShape?: number | Shape },
): LoneMergeLayer | LoneMergeLayer<AttentionOutputs> {
  const { name = "", trainable, dropout = 0, seed, useCausalMask = false } = options;
  const { returnAttentionScores = false } = options;
  checkScalarSource(`the dropout of ${factory}`, dropout, rates);
  // A seed that is none is refused here, not in the first step.
  if (seed !== undefined) namedKey(seed, "attention");
  const given = typeof options.outputShape === "number"
    ? [options.outputShape]
    : options.outputShape;
  given?.forEach((size) => checkCount(`the outputShape of ${factory}`, size, 1));
  const rotation = rotationOf(factory, keyDim, options);
  const makeWeights = projectionWeights(options, roles);
  const common = {
    merges: true,
    alone: true,
    decodes: !returnAttentionScores,
    type,
    name,
    trainable,
    config,
  } as const;
  const initialized = (shapes: readonly Shape[], key: NamedKey) => {
    const [query, value = query, keys = value] = shapes;
    checkInputs(shapes);
    const outputs = given ?? [query[1]];
    const parameters = makeWeights({
      query: [[query[1], heads, keyDim], 2],
      key: [[keys[1], keyHeads, keyDim], 2],
      value: [[value[1], keyHeads, valueDim], 2],
      attention_output: [[heads, valueDim, ...outputs], outputs.length],
    }, key);
    return {
      outputs: [query[0], ...outputs],
      attentionScores: [heads, query[0], keys[0]],
      parameters,
    };
  };
  const headsOf = (
    parameters: Weights,
    inputs: readonly Tensor[],
    context: ApplyContext,
  ): [Heads, AttendOptions, ApplyContext] => {
    const [query, value = query, keys = value, attentionMask] = inputs;
    const { masks } = context;
    const valueMask = inputs.length > 1 ? masks[1] : masks[0];
    const self = value === query && keys === query;
    const turned = (x: Tensor, follows: boolean) =>
      rotation ? turnedByPlace(x, rotation, follows ? context.decoding : undefined) : x;
    return [
      {
        query: turned(project(parameters, "query", query, 2), true),
        key: turned(project(parameters, "key", keys, 2), self),
        value: project(parameters, "value", value, 2),
      },
      {
        causal: useCausalMask,
        self,
        dropout,
        seed,
        masks: [valueMask, masks[2]],
        attentionMask,
      },
      context,
    ];
  };
  const projected = (parameters: Weights, result: Tensor) =>
    project(parameters, "attention_output", result, parameters.attention_output_kernel.rank - 2);
  if (returnAttentionScores) {
    return {
      ...common,
      outputNames: ["outputs", "attentionScores"],
      init(shapes, key) {
        const { parameters, ...outputShape } = initialized(shapes, key);
        return { outputShape, parameters };
      },
      apply(parameters, inputs, context) {
        const { outputs, attentionScores } = attendAndTell(...headsOf(parameters, inputs, context));
        return { outputs: projected(parameters, outputs), attentionScores };
      },
      computeMask: (_inputs, [mask]) => ({ outputs: mask, attentionScores: undefined }),
    };
  }
  return {
    ...common,
    init(shapes, key) {
      const { parameters, outputs } = initialized(shapes, key);
      return { outputShape: outputs, parameters };
    },
    apply: (parameters, inputs, context) =>
      projected(parameters, attend(...headsOf(parameters, inputs, context))),
    computeMask: (_inputs, [mask]) => mask,
  };
}

type Weights = Readonly<Record<string, Tensor>>;

/** How queries and keys are turned, if they are. */
function rotationOf(factory: string, keyDim: number, options: RotaryOptions): Rotation | undefined {
  const { ropeMaxWavelength: maxWavelength, ropeScalingFactor: scalingFactor = 1 } = options;
  checkScalar(`the ropeScalingFactor of ${factory}`, scalingFactor, { minimum: 1e-6 });
  if (maxWavelength === undefined) {
    if (options.ropeScalingFactor === undefined) return undefined;
    throw new RangeError(
      `Cannot make ${factory} with ropeScalingFactor as it is for queries and keys that are turned: ` +
        `received ${scalingFactor} without ropeMaxWavelength (10000 is usual)`,
    );
  }
  checkScalar(`the ropeMaxWavelength of ${factory}`, maxWavelength, { minimum: 1e-6 });
  if (keyDim % 2 === 0) return { maxWavelength, scalingFactor };
  throw new RangeError(
    `Cannot make ${factory} with ropeMaxWavelength as the numbers of a query in a head are turned in ` +
      `pairs: received ${keyDim} of them`,
  );
}

function checkInputs(shapes: readonly Shape[]): void {
  const [query, value = query, keys = value, mask = [query[0], value[0]]] = shapes;
  const fits = shapes.length > 0 && shapes.length <= 4 &&
    shapes.every(({ length }) => length === 2) &&
    keys[0] === value[0] && mask[0] === query[0] && mask[1] === value[0] && sizeOf(query) > 0;
  if (fits) return;
  throw new ShapeError(
    "expected queries [queries, features], values [keys, features], keys [keys, features] and a " +
      `mask [queries, keys], all but the first of which may be left out, got ${
        shapes.map(formatShape).join(", ")
      }`,
  );
}
