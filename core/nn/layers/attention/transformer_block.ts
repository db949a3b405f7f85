import { ShapeError } from "../../../graph/errors.ts";
import { formatShape, type Shape } from "../../../graph/shape.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { add } from "../../../ops/add.ts";
import {
  activatedShape,
  type ActivationFunction,
  type ActivationName,
  activationOf,
} from "../../activations.ts";
import { checkCount } from "../../check_count.ts";
import type { Initializer } from "../../initializer.ts";
import { type InitializerName, initializerOf } from "../../initializers/by_name.ts";
import type { ApplyContext, Layer, LayerParameter } from "../../layer.ts";
import type { Mask } from "../../mask.ts";
import type { MergeLayer } from "../../merge_layer.ts";
import type { NamedKey } from "../../named_key.ts";
import { withParameterFields } from "../../parameter_fields.ts";
import { checkScalarSource, type ScalarSource } from "../../scalar.ts";
import { dense } from "../dense.ts";
import { dropout } from "../dropout.ts";
import { layerNormalization } from "../layer_normalization.ts";
import { checkEpsilon } from "../normalization.ts";
import { innerContext } from "../recurrent/inner_context.ts";
import { rates } from "../regularization/noise.ts";
import { multiHeadAttention } from "./multi_head_attention.ts";
import type { RotaryOptions } from "./projected_attention.ts";

/** Options of {@link transformerEncoder} and {@link transformerDecoder}. */
export interface TransformerOptions extends RotaryOptions {
  /** Share tossed out in training, of attention's weights and of what each part gives; default 0. */
  readonly dropout?: ScalarSource;
  /**
   * What is applied between the dense layers, by name or as a function; default `relu`. One that is
   * gated, as `glu`, leaves half of `intermediateDim` to the second.
   */
  readonly activation?: ActivationName | ActivationFunction;
  /** What is added to variances; default 1e-5. */
  readonly layerNormEpsilon?: number;
  /** How kernels start; default `glorotUniform`. */
  readonly kernelInitializer?: InitializerName | Initializer;
  /** How biases start; default `zeros`. */
  readonly biasInitializer?: InitializerName | Initializer;
  /** Whether parts are given normalised inputs, rather than their sums normalised; default false. */
  readonly normalizeFirst?: boolean;
  /** Name; default the type and a count. */
  readonly name?: string;
  /** Whether optimizers change the layer's weights; default true. */
  readonly trainable?: boolean;
}

/** Which parts of attention a block has. */
export type Attentions = readonly ("self_attention" | "cross_attention")[];

/** A tensor with the mask of its steps. */
export interface Steps {
  readonly x: Tensor;
  readonly mask: Mask;
}

/** A transformer's block: attention, and dense layers for each step, each added to what it is given. */
export class TransformerBlock {
  readonly #options: Required<Omit<TransformerOptions, "name" | "trainable" | keyof RotaryOptions>>;
  readonly #rotary: RotaryOptions;

  /** Refuses sizes and names that no block can have. */
  constructor(
    private readonly factory: string,
    private readonly intermediateDim: number,
    private readonly numHeads: number,
    options: TransformerOptions,
    private readonly causal: boolean,
  ) {
    checkCount(`the intermediateDim of ${factory}`, intermediateDim, 1);
    checkCount(`the numHeads of ${factory}`, numHeads, 1);
    this.#options = {
      dropout: options.dropout ?? 0,
      activation: options.activation ?? "relu",
      layerNormEpsilon: options.layerNormEpsilon ?? 1e-5,
      kernelInitializer: options.kernelInitializer ?? "glorotUniform",
      biasInitializer: options.biasInitializer ?? "zeros",
      normalizeFirst: options.normalizeFirst ?? false,
    };
    const { ropeMaxWavelength, ropeScalingFactor } = options;
    this.#rotary = { ropeMaxWavelength, ropeScalingFactor };
    checkScalarSource(`the dropout of ${factory}`, this.#options.dropout, rates);
    activationOf(this.#options.activation);
    for (const start of [this.#options.kernelInitializer, this.#options.biasInitializer]) {
      initializerOf(start);
    }
    checkEpsilon(factory, this.#options.layerNormEpsilon, "layerNormEpsilon");
  }

  /** The weights of a block on steps of `shape`; each begins with the name of its part. */
  init(shapes: readonly Shape[], attentions: Attentions, key: NamedKey): LayerParameter[] {
    const [shape] = shapes;
    if (shape.length !== 2 || shape[1] < this.numHeads) {
      throw new ShapeError(
        `expected input of steps and at least ${this.numHeads} features, got ${formatShape(shape)}`,
      );
    }
    const activate = activationOf(this.#options.activation);
    const wide = activatedShape(activate, [shape[0], this.intermediateDim]);
    return Object.entries(this.#parts(shape[1], attentions)).flatMap(([name, part]) => {
      const inner = key.fold(name);
      const given = name === "feedforward_output_dense" ? wide : shape;
      const { parameters } = "merges" in part
        ? part.init(name === "cross_attention" ? shapes : [shape], inner)
        : part.init(given, inner);
      return parameters.map((made) => withParameterFields(made, { name: `${name}_${made.name}` }));
    });
  }

  /** What the block makes of its steps; those that it attends to besides come with `memory`. */
  apply(
    parameters: Readonly<Record<string, Tensor>>,
    steps: Steps,
    memory: Steps | undefined,
    context: ApplyContext,
  ): Tensor {
    const attentions: Attentions = memory ? ["self_attention", "cross_attention"] : [
      "self_attention",
    ];
    const parts = this.#parts(steps.x.shape[2], attentions);
    const run = (name: string, ...given: Steps[]) => {
      const part = parts[name];
      const prefix = `${name}_`;
      const own = Object.fromEntries(
        Object.entries(parameters).filter(([role]) => role.startsWith(prefix))
          .map(([role, value]) => [role.slice(prefix.length), value]),
      );
      const inner = innerContext(context, prefix, ...given.map(({ mask }) => mask));
      const inputs = given.map(({ x }) => x);
      return "merges" in part ? part.apply(own, inputs, inner) : part.apply(own, inputs[0], inner);
    };
    const around = (name: string, x: Tensor, body: (x: Tensor) => Tensor): Tensor => {
      const normal = (y: Tensor) => run(`${name}_layer_norm`, { x: y, mask: steps.mask });
      const first = this.#options.normalizeFirst;
      const made = body(first ? normal(x) : x);
      const sum = add(run(`${name}_dropout`, { x: made, mask: steps.mask }), x);
      return first ? sum : normal(sum);
    };
    const { mask } = steps;
    const attended = attentions.reduce(
      (x, name) =>
        around(
          name,
          x,
          (y) =>
            name === "self_attention"
              ? run(name, { x: y, mask })
              : run(name, { x: y, mask }, memory!),
        ),
      steps.x,
    );
    return around("feedforward", attended, (y) =>
      run("feedforward_output_dense", {
        x: run("feedforward_intermediate_dense", { x: y, mask }),
        mask,
      }));
  }

  /** Layers of a block for so many features. */
  #parts(features: number, attentions: Attentions): Record<string, Layer | MergeLayer> {
    const { dropout: rate, activation, layerNormEpsilon: epsilon } = this.#options;
    const { kernelInitializer, biasInitializer } = this.#options;
    const starts = { kernelInitializer, biasInitializer };
    const around = (name: string): [string, Layer | MergeLayer][] => [
      [`${name}_layer_norm`, layerNormalization({ epsilon })],
      [`${name}_dropout`, dropout(rate)],
    ];
    const keyDim = Math.floor(features / this.numHeads);
    return Object.fromEntries<Layer | MergeLayer>([
      ...attentions.flatMap((name): [string, Layer | MergeLayer][] => [
        [
          name,
          multiHeadAttention(this.numHeads, keyDim, {
            ...starts,
            dropout: rate,
            ...(name === "self_attention" && { ...this.#rotary, useCausalMask: this.causal }),
          }),
        ],
        ...around(name),
      ]),
      [
        "feedforward_intermediate_dense",
        dense(this.intermediateDim, { ...starts, activation }),
      ],
      ["feedforward_output_dense", dense(features, starts)],
      ...around("feedforward"),
    ]);
  }
}
