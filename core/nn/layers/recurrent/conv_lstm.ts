import { ShapeError } from "../../../graph/errors.ts";
import { literal } from "../../../graph/leaf.ts";
import { formatShape, sameShape, type Shape } from "../../../graph/shape.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { outputSizes } from "../../../graph/window.ts";
import { add } from "../../../ops/add.ts";
import { cast } from "../../../ops/cast.ts";
import { concat, slice } from "../../../ops/concat.ts";
import { convolution } from "../../../ops/convolution.ts";
import { zeros } from "../../../ops/eager.ts";
import { mul } from "../../../ops/mul.ts";
import { reshape } from "../../../ops/reshape.ts";
import { select } from "../../../ops/select.ts";
import { split, stack } from "../../../ops/stack.ts";
import {
  activatedShape,
  type ActivationFunction,
  type ActivationName,
  activationOf,
} from "../../activations.ts";
import { checkCount } from "../../check_count.ts";
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
import { carriedStates } from "./carried_states.ts";
import { layerOverTime, type PartsOverTime } from "./layer_over_time.ts";
import { type LstmOptions, remembering } from "./lstm.ts";
import { recurrentDropouts } from "./recurrent_dropouts.ts";
import { joined, takenShapes, takenTensors } from "./recurrent_inputs.ts";
import type { LstmOutputs, RecurrentLayer, ReturnsState } from "./recurrent_layer.ts";
import { recurrentWeights } from "./recurrent_weights.ts";

/** Options of `convLstm1d`, `convLstm2d` and `convLstm3d`. */
export interface ConvLstmOptions
  extends Omit<LstmOptions, "activation" | "recurrentActivation" | "dropout" | "recurrentDropout"> {
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
  /**
   * Part of the inputs that is tossed out in training, from 0 to 1, the same numbers at all steps of a
   * sample and others for each gate; a number or a stream of numbers; default 0.
   */
  readonly dropout?: LstmOptions["dropout"];
  /**
   * Part of the states that is tossed out in training before the recurrent kernel, from 0 to 1, the
   * same numbers at all steps of a sample and others for each gate; a number or a stream of numbers;
   * default 0. The cells see all of them.
   */
  readonly recurrentDropout?: LstmOptions["recurrentDropout"];
}

/** Gates of a cell, in the order of the weights: i, f, g, o. */
const gates = 4;

/** A convolutional LSTM over `rank` axes; see `convLstm1d`, `convLstm2d`, `convLstm3d`. */
export function convLstm(
  rank: 1 | 2 | 3,
  filters: number,
  kernelSize: AxisSizes,
  options: ConvLstmOptions,
): RecurrentLayer | ReturnsState<LstmOutputs> {
  const parts = convLstmParts(rank, filters, kernelSize, options);
  return layerOverTime(options, { ...options, filters, kernelSize }, parts) as
    | RecurrentLayer
    | ReturnsState<LstmOutputs>;
}

function convLstmParts(
  rank: 1 | 2 | 3,
  filters: number,
  kernelSize: AxisSizes,
  options: ConvLstmOptions,
): PartsOverTime {
  const factory = `convLstm${rank}d`;
  const { strides = 1, padding = "valid", dilationRate = 1, activityRegularizer } = options;
  const { useBias = true, unitForgetBias = true, goBackwards = false } = options;
  const { returnSequences = false, returnState = false, zeroOutputForMask = false } = options;
  checkCount(`the filters of ${factory}`, filters, 1);
  const toss = recurrentDropouts(factory, options);
  const carried = carriedStates(factory, options);
  const size = kernelSize;
  const seen = geometryOf(factory, rank, { size, strides, padding, dilation: dilationRate });
  const kept = geometryOf(factory, rank, { size, strides: 1, padding: "same", dilation: 1 });
  const cell = {
    activate: activationOf(options.activation ?? "tanh"),
    gate: activationOf(options.recurrentActivation ?? "sigmoid"),
  };
  const { makeKernel, makeRecurrent, makeBias } = recurrentWeights(
    options,
    unitForgetBias ? (initializer) => remembering(initializer, filters) : undefined,
  );
  const stateOf = ([, ...picture]: Shape) => {
    const places = outputSizes(windowOver(seen, picture), threeAxes(picture.slice(0, -1)));
    return [...places.slice(3 - rank), filters];
  };
  return {
    type: `ConvLSTM${rank}D`,
    states: ["h", "c"],
    init(given, key) {
      const { sequence } = takenShapes(given, (shape) => {
        checkFilm(rank, shape);
        return { h: stateOf(shape), c: stateOf(shape) };
      });
      const state = stateOf(sequence);
      for (const activate of Object.values(cell)) checkShapeKept(activate, state);
      const parameters = [
        makeKernel([...seen.size, sequence[rank + 1], gates * filters], key),
        makeRecurrent([...seen.size, filters, gates * filters], key),
      ];
      if (useBias) parameters.push(makeBias([gates * filters], key));
      if (carried) parameters.push(carried.parameter([...state.slice(0, -1), 2 * filters]));
      const outputs = returnSequences ? [sequence[0], ...state] : state;
      return { outputShape: { outputs, ...(returnState && { h: state, c: state }) }, parameters };
    },
    apply({ kernel, recurrent_kernel: recurrent, bias, states: stored }, inputs, context) {
      const { sequence: x, states } = takenTensors(inputs, ([batch, ...shape]) => {
        checkFilm(rank, shape);
        const state = [batch, ...stateOf(shape)];
        return { h: state, c: state };
      });
      const [batch, steps, ...picture] = x.shape;
      const shape = [batch, ...stateOf(x.shape.slice(1))];
      const [mask] = context.masks;
      const shown = forGates(
        x,
        toss("dropout", literal(1), [batch, 1, ...wider(picture)], context),
      );
      const rows = reshape(shown, [batch * steps, ...shown.shape.slice(2)]);
      const sums = convolve(seen, rows, kernel);
      const films = reshape(bias ? add(sums, bias) : sums, [
        batch,
        steps,
        ...wider(shape.slice(1)),
      ]);
      const factors = toss("recurrentDropout", literal(1), wider(shape), context);
      const side = [...shape.slice(0, -1), 2 * filters];
      const begun = joined(states) ?? carried?.before(stored, batch, context);
      const before = context.decoding?.carried("states", begun ?? zeros(side)) ?? begun;
      let state = before ? statesOf(before) : { h: zeros(shape), c: zeros(shape) };
      const made = Array.from({ length: steps }, (_, turn) => {
        const at = goBackwards ? steps - 1 - turn : turn;
        const own = reshape(stepOf(films, at), wider(shape));
        // Before the first step of all there is nothing to be heard.
        const sums = turn === 0 && !before
          ? own
          : add(own, convolve(kept, forGates(state.h, factors), recurrent));
        const next = nextState(sums, state.c, cell);
        const counts = mask &&
          reshape(stepOf(mask, at), [batch, ...state.h.shape.slice(1).fill(1)]);
        state = counts
          ? { h: select(counts, next.h, state.h), c: select(counts, next.c, state.c) }
          : next;
        return counts && zeroOutputForMask ? mul(state.h, cast(counts, "f32")) : state.h;
      });
      const last = concat([state.h, state.c], shape.length - 1);
      carried?.keep(last, context);
      context.decoding?.carry("states", last);
      const outputs = returnSequences ? stack(made, 1) : state.h;
      return {
        outputs: penalizeOutputs(outputs, activityRegularizer, context),
        ...(returnState && state),
      };
    },
  };
}

/** What goes from step to step. */
interface State {
  readonly h: Tensor;
  readonly c: Tensor;
}

function nextState(
  sums: Tensor,
  before: Tensor,
  { activate, gate }: { activate: ActivationFunction; gate: ActivationFunction },
): State {
  const [i, f, g, o] = split(sums, gates, sums.rank - 1);
  const c = add(mul(gate(f), before), mul(gate(i), activate(g)));
  return { h: mul(gate(o), activate(c)), c };
}

/** States that lie side by side. */
function statesOf(both: Tensor): State {
  const [h, c] = split(both, 2, both.rank - 1);
  return { h, c };
}

/** A shape with room for every gate in its last axis. */
function wider(shape: Shape): number[] {
  return shape.map((size, axis) => axis === shape.length - 1 ? gates * size : size);
}

/** What each gate sees of `x`, side by side in the last axis; `x` itself where all see the same. */
function forGates(x: Tensor, factors: Tensor | undefined): Tensor {
  return factors ? mul(concat(new Array<Tensor>(gates).fill(x), x.rank - 1), factors) : x;
}

/** A convolution whose groups are the gates, where each of them sees its own. */
function convolve(geometry: Geometry, x: Tensor, kernel: Tensor): Tensor {
  const { rank } = geometry;
  const window = windowOver(geometry, x.shape.slice(1));
  const groups = x.shape[rank + 1] / kernel.shape[rank];
  return fromVolume(
    convolution(asVolume(x), kernelVolume(kernel, geometry), { ...window, groups }),
    rank,
  );
}

function stepOf(x: Tensor, step: number): Tensor {
  const begin = x.shape.map((_, axis) => axis === 1 ? step : 0);
  return slice(x, begin, x.shape.with(1, step + 1));
}

/** Refuses activations that are gated: states are of one shape. */
function checkShapeKept(activate: ActivationFunction, state: Shape): void {
  const made = activatedShape(activate, state);
  if (sameShape(made, state)) return;
  throw new ShapeError(
    `expected activations that keep the shape of the states, ${formatShape(state)}, got one that ` +
      `makes it ${formatShape(made)}`,
  );
}

function checkFilm(rank: number, shape: Shape): void {
  if (shape.length === rank + 2) return;
  throw new ShapeError(
    `expected input of ${
      ["steps, length", "steps, height, width", "steps, depth, height, width"][
        rank - 1
      ]
    } and channels, got shape ${formatShape(shape)}`,
  );
}
