import type { Shape } from "../../graph/shape.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { add } from "../../ops/add.ts";
import { matmul } from "../../ops/matmul.ts";
import { mul } from "../../ops/mul.ts";
import { reshape } from "../../ops/reshape.ts";
import { checkCount } from "../check_count.ts";
import { checkScalar } from "../check_scalar.ts";
import type { Initializer } from "../initializer.ts";
import type { InitializerName } from "../initializers/by_name.ts";
import type { ApplyContext, Layer, LayerParameter } from "../layer.ts";
import type { MergeLayer } from "../merge_layer.ts";
import type { Tensors } from "../named.ts";
import type { NamedKey } from "../named_key.ts";
import { withParameterFields } from "../parameter_fields.ts";
import { innerContext } from "./recurrent/inner_context.ts";
import { weight } from "./weighted.ts";

/** How low-rank parts are made. */
export interface LowRankOptions {
  /** Rank of the parts, from 1; default 8. */
  readonly rank?: number;
  /** The parts are multiplied by `alpha` / `rank`, at least 0; default `rank`. */
  readonly alpha?: number;
  /** How the first factors start; default `heUniform`. */
  readonly aInitializer?: InitializerName | Initializer;
  /** How the second factors start; default `zeros`, so that at first nothing changes. */
  readonly bInitializer?: InitializerName | Initializer;
}

/** What it takes to make a {@link lowRank} layer: also which weights of `layer` have parts. */
export interface LowRankDefinition extends LowRankOptions {
  /** The layer whose weights stand still. */
  readonly layer: Layer | MergeLayer<Tensors>;
  /** Names of the weights that have parts: `kernel`. */
  readonly weights: readonly string[];
}

type Weights = Readonly<Record<string, Tensor>>;

/** Names of the factors of a weight's part. */
export const factorNames = (role: string) => [`${role}_lora_a`, `${role}_lora_b`] as const;

/** The factor of the parts. */
export function lowRankScale({ rank = 8, alpha = rank }: LowRankOptions): number {
  return alpha / rank;
}

/**
 * A layer whose weights stand still, some with a part of low rank beside them that learns; see `lora`.
 *
 * Of a weight `[…, n]` the factors are `[…, rank]` and `[rank, n]`.
 */
export function lowRank(
  { layer, weights, ...options }: LowRankDefinition & { readonly name?: string },
): Layer | MergeLayer<Tensors> {
  const { rank = 8, alpha = rank, aInitializer = "heUniform", bInitializer = "zeros" } = options;
  checkCount("the rank of lora", rank, 1);
  checkScalar("the alpha of lora", alpha, { minimum: 0 });
  const scale = lowRankScale(options);
  const makers = weights.map((role) => {
    const [a, b] = factorNames(role);
    return {
      role,
      makeA: weight(a, { initializer: aInitializer }),
      makeB: weight(b, { initializer: bInitializer }),
    };
  });
  const withParts = (made: readonly LayerParameter[], key: NamedKey): LayerParameter[] => [
    ...made.map((parameter) => withParameterFields(parameter, { trainable: false })),
    ...makers.flatMap(({ role, makeA, makeB }) => {
      const shape = made.find(({ name }) => name === role)?.shape;
      if (!shape || shape.length < 2) {
        throw new TypeError(
          `expected a layer with a weight ${role} of two axes or more, got ${layer.type} with ` +
            (made.map(({ name }) => name).join(", ") || "none"),
        );
      }
      const last = shape.length - 1;
      return [makeA(shape.with(last, rank), key), makeB([rank, shape[last]], key)];
    }),
  ];
  const whole = (parameters: Weights): Weights => {
    const sums = weights.map((role) => {
      const [a, b] = factorNames(role);
      const rows = reshape(parameters[a], [-1, rank]);
      const part = reshape(matmul(rows, parameters[b]), parameters[role].shape);
      return [role, add(parameters[role], scale === 1 ? part : mul(part, scale))];
    });
    return { ...parameters, ...Object.fromEntries(sums) };
  };
  const still = (context: ApplyContext): ApplyContext =>
    Object.assign(innerContext(context, "", ...context.masks), { trainable: false });
  const common = {
    type: "Lora",
    config: { layer, weights, ...options },
    name: options.name ?? layer.name,
    inputShape: layer.inputShape,
    decodes: layer.decodes,
  };
  if ("merges" in layer) {
    const { computeMask } = layer;
    const merged: MergeLayer<Tensors> = {
      ...common,
      merges: true,
      alone: layer.alone,
      outputNames: layer.outputNames,
      init(shapes, key) {
        const { outputShape, parameters } = layer.init(shapes, key);
        return { outputShape, parameters: withParts(parameters, key) };
      },
      apply: (parameters, inputs, context) =>
        layer.apply(whole(parameters), inputs, still(context)),
      ...(computeMask && { computeMask: (inputs, masks) => layer.computeMask!(inputs, masks) }),
    };
    return merged;
  }
  const { reverse } = layer;
  const around = (called: Pick<Layer, "init" | "apply">): Pick<Layer, "init" | "apply"> => ({
    init(shape: Shape, key) {
      const { outputShape, parameters } = called.init(shape, key);
      return { outputShape, parameters: withParts(parameters, key) };
    },
    apply: (parameters, x, context) => called.apply(whole(parameters), x, still(context)),
  });
  const plain: Layer = {
    ...common,
    supportsMasking: layer.supportsMasking,
    ...(layer.computeMask && { computeMask: (x, mask) => layer.computeMask!(x, mask) }),
    ...around(layer),
    ...(reverse && { reverse: { ...reverse, ...around(reverse) } }),
  };
  return plain;
}
