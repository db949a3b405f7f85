import { ShapeError } from "../../../graph/errors.ts";
import { literal } from "../../../graph/leaf.ts";
import { formatShape, type Shape } from "../../../graph/shape.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { outputSizes } from "../../../graph/window.ts";
import { add } from "../../../ops/add.ts";
import { slice } from "../../../ops/concat.ts";
import { convolution } from "../../../ops/convolution.ts";
import { zeros } from "../../../ops/eager.ts";
import { mul } from "../../../ops/mul.ts";
import { reshape } from "../../../ops/reshape.ts";
import { select } from "../../../ops/select.ts";
import { split, stack } from "../../../ops/stack.ts";
import { type ActivationFunction, type ActivationName, activationOf } from "../../activations.ts";
import { checkCount } from "../../check_count.ts";
import type { Layer } from "../../layer.ts";
import {
  asVolume,
  type AxisSizes,
  fromVolume,
  type Geometry,
  geometryOf,
  kernelVolume,
  type Padding,
  threeAxes,
  windowOver,
} from "../convolution/geometry.ts";
import { penalizeOutputs } from "../weighted.ts";
import { type LstmOptions, remembering } from "./lstm.ts";
import { recurrentDropouts } from "./recurrent_dropouts.ts";
import { recurrentWeights } from "./recurrent_weights.ts";

/** Options of {@link convLstm2d}. */
export interface ConvLstmOptions extends
  Omit<
    LstmOptions,
    | "activation"
    | "recurrentActivation"
    | "returnState"
    | "stateful"
    | "batchSize"
    | "zeroOutputForMask"
  > {
  /** Places from one output to the next, one number or one an axis; default 1. */
  readonly strides?: AxisSizes;
  /** Zeros around the inputs, `valid` (default) or `same`; around states it is always `same`. */
  readonly padding?: Padding;
  /** Places from one tap of the inputs' kernel to the next; default 1. */
  readonly dilationRate?: AxisSizes;
  /** What is applied to candidates and outputs, by name or as a function; default `tanh`. */
  readonly activation?: ActivationName | ActivationFunction;
  /** What is applied to gates, by name or as a function; default `sigmoid`. */
  readonly recurrentActivation?: ActivationName | ActivationFunction;
}

const factory = "convLstm2d";

/**
 * Long short-term memory whose products are convolutions: states are pictures, for films and radar.
 *
 * [i, f, g, o] = xₜ ∗ kernel + hₜ₋₁ ∗ recurrent_kernel + bias; cₜ = σ(f) cₜ₋₁ + σ(i) φ(g);
 * hₜ = σ(o) φ(cₜ), with σ the `recurrentActivation` and φ the `activation`. States begin at 0.
 *
 * The inputs' convolution of all steps is one; the steps are laid out one behind the other in the
 * plan, which grows with them: some tens are well, for thousands take {@link lstm}.
 *
 * @param filters Channels of the states, from 1.
 * @param kernelSize Taps of both windows, one number or one an axis.
 * @param options Strides, padding, dilation, activations, what to give, dropouts, and how weights start
 * and are kept.
 * @returns A layer from `[steps, height, width, channels]` to `[height, width, filters]` after the
 * window, or `[steps, height, width, filters]` with `returnSequences`. Its weights are `kernel`
 * `[...kernelSize, channels, 4 filters]`, `recurrent_kernel` `[...kernelSize, filters, 4 filters]` and
 * `bias` `[4 filters]`, with the gates in the order i, f, g, o.
 * @throws {RangeError} when an option is out of range.
 *
 * @example
 * ```ts
 * import { conv2d, convLstm2d, input, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([
 *   input([10, 32, 32, 1]),
 *   convLstm2d(16, 3, { padding: "same", returnSequences: true }),
 *   convLstm2d(16, 3, { padding: "same" }),
 *   conv2d(1, 3, { padding: "same", activation: "sigmoid" }),
 * ]);
 * assert.deepEqual(model.outputShape, [32, 32, 1]);
 * ```
 *
 * Source: X. Shi and others, "Convolutional LSTM network: a machine learning approach for
 * precipitation nowcasting", 2015, without its peepholes. Keras: `ConvLSTM2D`, which has `return_state`
 * and `stateful`, too, and draws a mask of dropout for each gate.
 */
export function convLstm2d(
  filters: number,
  kernelSize: AxisSizes,
  options: ConvLstmOptions = {},
): Layer {
  const { strides = 1, padding = "valid", dilationRate = 1, name = "" } = options;
  const { useBias = true, returnSequences = false, goBackwards = false } = options;
  const { unitForgetBias = true } = options;
  const { inputShape, trainable, activityRegularizer } = options;
  checkCount(`the filters of ${factory}`, filters, 1);
  const toss = recurrentDropouts(factory, options);
  const size = kernelSize;
  const seen = geometryOf(factory, 2, { size, strides, padding, dilation: dilationRate });
  const kept = geometryOf(factory, 2, { size, strides: 1, padding: "same", dilation: 1 });
  const cell = {
    activate: activationOf(options.activation ?? "tanh"),
    gate: activationOf(options.recurrentActivation ?? "sigmoid"),
  };
  const { makeKernel, makeRecurrent, makeBias } = recurrentWeights(
    options,
    unitForgetBias ? (initializer) => remembering(initializer, filters) : undefined,
  );
  return {
    type: "ConvLSTM2D",
    name,
    inputShape,
    trainable,
    config: { ...options, filters, kernelSize },
    computeMask: (_x, mask) => returnSequences ? mask : undefined,
    init(given, key) {
      checkFilm(given);
      const [steps, ...picture] = given;
      const places = outputSizes(windowOver(seen, picture), threeAxes(picture.slice(0, -1)));
      const state = [...places.slice(1), filters];
      const parameters = [
        makeKernel([...seen.size, picture[2], 4 * filters], key),
        makeRecurrent([...seen.size, filters, 4 * filters], key),
      ];
      if (useBias) parameters.push(makeBias([4 * filters], key));
      return { outputShape: returnSequences ? [steps, ...state] : state, parameters };
    },
    apply({ kernel, recurrent_kernel: recurrent, bias }, x, context) {
      checkFilm(x.shape.slice(1));
      const [batch, steps, ...picture] = x.shape;
      const [mask] = context.masks;
      const shown = toss("dropout", x, [batch, 1, ...picture], context) ?? x;
      const sums = convolve(seen, reshape(shown, [batch * steps, ...picture]), kernel);
      const films = reshape(bias ? add(sums, bias) : sums, [batch, steps, ...sums.shape.slice(1)]);
      const shape = [...sums.shape.slice(1, -1), filters];
      const factors = toss("recurrentDropout", literal(1), [batch, ...shape], context);
      let state: State = { h: zeros([batch, ...shape]), c: zeros([batch, ...shape]) };
      const made = Array.from({ length: steps }, (_, turn) => {
        const at = goBackwards ? steps - 1 - turn : turn;
        const heard = factors ? mul(state.h, factors) : state.h;
        const own = reshape(stepOf(films, at), [batch, ...shape.slice(0, -1), 4 * filters]);
        // Before the first step there is nothing to be heard.
        const gates = turn === 0 ? own : add(own, convolve(kept, heard, recurrent));
        const next = nextState(gates, state.c, cell);
        const counts = mask && reshape(stepOf(mask, at), [batch, 1, 1, 1]);
        state = counts
          ? { h: select(counts, next.h, state.h), c: select(counts, next.c, state.c) }
          : next;
        return state.h;
      });
      const outputs = returnSequences ? stack(made, 1) : state.h;
      return penalizeOutputs(outputs, activityRegularizer, context);
    },
  };
}

/** What goes from step to step. */
interface State {
  readonly h: Tensor;
  readonly c: Tensor;
}

function nextState(
  gates: Tensor,
  before: Tensor,
  { activate, gate }: { activate: ActivationFunction; gate: ActivationFunction },
): State {
  const [i, f, g, o] = split(gates, 4, 3);
  const c = add(mul(gate(f), before), mul(gate(i), activate(g)));
  return { h: mul(gate(o), activate(c)), c };
}

function convolve(geometry: Geometry, x: Tensor, kernel: Tensor): Tensor {
  const window = { ...windowOver(geometry, x.shape.slice(1)), groups: 1 };
  return fromVolume(convolution(asVolume(x), kernelVolume(kernel, geometry), window), 2);
}

function stepOf(x: Tensor, step: number): Tensor {
  const begin = x.shape.map((_, axis) => axis === 1 ? step : 0);
  return slice(x, begin, x.shape.with(1, step + 1));
}

function checkFilm(shape: Shape): void {
  if (shape.length === 4) return;
  throw new ShapeError(
    `expected input of steps, height, width and channels, got shape ${formatShape(shape)}`,
  );
}
