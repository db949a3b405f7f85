import { iota, literal } from "../../../graph/leaf.ts";
import {
  type CellActivation,
  cellActivations,
  cellLayouts,
  type CellName,
} from "../../../graph/recurrence.ts";
import { ShapeError } from "../../../graph/errors.ts";
import { formatShape, type Shape } from "../../../graph/shape.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { cast } from "../../../ops/cast.ts";
import { concat, slice } from "../../../ops/concat.ts";
import { zeros } from "../../../ops/eager.ts";
import { expandDims } from "../../../ops/expand_dims.ts";
import { gather } from "../../../ops/gather.ts";
import { matmul } from "../../../ops/matmul.ts";
import { mul } from "../../../ops/mul.ts";
import { recurrence } from "../../../ops/recurrence.ts";
import { reshape } from "../../../ops/reshape.ts";
import { split } from "../../../ops/stack.ts";
import { sub } from "../../../ops/sub.ts";
import { transpose } from "../../../ops/transpose.ts";
import { checkCount } from "../../check_count.ts";
import type { Initializer } from "../../initializer.ts";
import type { InitializerName } from "../../initializers/by_name.ts";
import { penalizeOutputs } from "../weighted.ts";
import { carriedStates } from "./carried_states.ts";
import { layerOverTime, type Made, type PartsOverTime } from "./layer_over_time.ts";
import { joined, takenShapes, takenTensors } from "./recurrent_inputs.ts";
import type { LstmOutputs, RecurrentLayer, ReturnsState } from "./recurrent_layer.ts";
import { recurrentDropouts } from "./recurrent_dropouts.ts";
import type { GatedOptions } from "./recurrent_options.ts";
import { recurrentWeights } from "./recurrent_weights.ts";

/** What is a cell's own of its layer. */
export interface Cell {
  /** Keras's class name. */
  readonly type: string;
  /** Name of the factory, for messages. */
  readonly factory: string;
  /** The cell. */
  readonly cell: CellName;
  /** Shape of its bias. */
  readonly biasShape: readonly number[];
  /** Initializer of its bias, of the one that is asked for. */
  startBias?(initializer: InitializerName | Initializer): Initializer;
  /** The inputs' kernel with its blocks in the order of the op. */
  orderKernel?(kernel: Tensor): Tensor;
  /** The bias as the op takes it, of none too. */
  orderBias(bias: Tensor | undefined): Tensor;
}

/** Names of a cell's states, in the order of calls and outputs. */
const stateNames: Readonly<Record<CellName, readonly string[]>> = {
  simpleRnn: ["h"],
  lstm: ["h", "c"],
  gru: ["h"],
  gruResetBefore: ["h"],
};

/** A layer whose steps are one kernel; see `simpleRnn`, `lstm`, `gru`. */
export function recurrent(
  units: number,
  options: GatedOptions,
  own: Cell,
): RecurrentLayer | ReturnsState<LstmOutputs> | ReturnsState {
  return layerOverTime(options, { units, ...options }, recurrentParts(units, options, own));
}

function recurrentParts(units: number, options: GatedOptions, own: Cell): PartsOverTime {
  const { activityRegularizer, returnState = false } = options;
  const { useBias = true, returnSequences = false, goBackwards = false } = options;
  const { activation = "tanh", recurrentActivation = "sigmoid" } = options;
  const { zeroOutputForMask = false } = options;
  const { factory, cell } = own;
  checkActivation(factory, "activation", activation);
  checkActivation(factory, "recurrentActivation", recurrentActivation);
  const toss = recurrentDropouts(factory, options);
  // As in Keras: with a dropout of states, inputs have a mask for each gate, too.
  const ownViews = (options.recurrentDropout ?? 0) !== 0;
  const carried = carriedStates(factory, options);
  const layout = cellLayouts[cell];
  const names = stateNames[cell];
  const { makeKernel, makeRecurrent, makeBias } = recurrentWeights(options, own.startBias);
  return {
    type: own.type,
    states: names,
    init(given, key) {
      const { sequence: [steps, features] } = takenShapes(given, (sequence) => {
        checkSequence(sequence);
        return Object.fromEntries(names.map((name) => [name, [units]]));
      });
      const parameters = [
        makeKernel([features, layout.inputs * units], key),
        makeRecurrent([units, layout.recurrent * units], key),
      ];
      if (useBias) parameters.push(makeBias(own.biasShape, key));
      if (carried) parameters.push(carried.parameter([layout.states * units]));
      const outputShape: Made<Shape> = {
        outputs: returnSequences ? [steps, units] : [units],
        ...Object.fromEntries(returnState ? names.map((state) => [state, [units]]) : []),
      };
      return { outputShape, parameters };
    },
    apply(weights, inputs, context) {
      const { kernel, recurrent_kernel, bias } = weights;
      const { sequence, states } = takenTensors(inputs, (shape) => {
        checkBatch(shape, kernel.shape[0]);
        return Object.fromEntries(names.map((name) => [name, [shape[0], units]]));
      });
      const [batch, steps, features] = sequence.shape;
      const [mask] = context.masks;
      const ordered = (line: Tensor) =>
        goBackwards ? gather(line, sub(steps - 1, iota([steps], 0))) : line;
      const live = mask && ordered(transpose(cast(mask, "f32")));
      const views = ownViews ? layout.inputs : 1;
      const factors = toss("dropout", literal(1), [batch, 1, views * features], context);
      const line = ordered(transpose(sequence, [1, 0, 2]));
      const sums = gateProducts(line, own.orderKernel?.(kernel) ?? kernel, factors, views);
      const width = layout.states * units;
      const begun = joined(states) ?? carried?.before(weights.states, batch, context);
      const before = context.decoding?.carried("states", begun ?? zeros([batch, width])) ?? begun;
      const settings = {
        cell,
        activation,
        recurrentActivation,
        mask: live,
        recurrentMask: toss(
          "recurrentDropout",
          literal(1),
          [batch, layout.recurrent * units],
          context,
        ),
        initialState: before,
      };
      const operands = [
        reshape(sums, [steps, batch, layout.inputs * units]),
        recurrent_kernel,
        own.orderBias(bias),
      ] as const;
      const hasCells = layout.states > 1;
      const given = recurrence(...operands, {
        ...settings,
        sequences: returnSequences,
        cellState: returnState && hasCells,
      });
      if (carried || context.decoding) {
        // The same steps; from another node, so that what is differentiated stays small.
        const last = recurrence(...operands, {
          ...settings,
          sequences: false,
          cellState: hasCells,
        });
        const sideBySide = reshape(transpose(last, [1, 0, 2]), [batch, width]);
        carried?.keep(sideBySide, context);
        context.decoding?.carry("states", sideBySide);
      }
      const count = returnSequences ? steps : 1;
      const row = (place: number) =>
        reshape(slice(given, [place, 0, 0], [place + 1, batch, units]), [batch, units]);
      const all = returnSequences
        ? transpose(slice(given, [0, 0, 0], [steps, batch, units]), [1, 0, 2])
        : row(0);
      const outputs = returnSequences && zeroOutputForMask && live
        ? mul(all, expandDims(transpose(live), 2))
        : all;
      return {
        outputs: penalizeOutputs(outputs, activityRegularizer, context),
        // The last row of the states is h; that of the cells comes behind it.
        ...Object.fromEntries(
          returnState ? names.map((state, place) => [state, row(count - 1 + place)]) : [],
        ),
      };
    },
  };
}

/**
 * Inputs times their kernel, `[steps · batch, blocks · units]`.
 *
 * @param line `[steps, batch, features]`.
 * @param kernel `[features, blocks · units]`.
 * @param factors What inputs are multiplied by, `[batch, 1, views · features]`; nothing by default.
 * @param views Equal parts of the kernel's columns that have factors of their own.
 */
function gateProducts(
  line: Tensor,
  kernel: Tensor,
  factors: Tensor | undefined,
  views: number,
): Tensor {
  const [steps, batch, features] = line.shape;
  const product = (x: Tensor, part: Tensor) => matmul(reshape(x, [steps * batch, features]), part);
  if (!factors) return product(line, kernel);
  const parts = split(kernel, views, 1);
  const own = split(reshape(factors, [batch, views * features]), views, 1);
  return concat(parts.map((part, view) => product(mul(line, own[view]), part)), 1);
}

/** Refuses a number of units that is none. */
export function checkUnits(factory: string, units: number): void {
  checkCount(`the units of ${factory}`, units, 1);
}

function checkSequence(shape: Shape): void {
  if (shape.length === 2) return;
  throw new ShapeError(
    `expected input of steps and features, got shape ${formatShape(shape)}` +
      (shape.length === 1 ? " (reshapeLayer or embedding make steps of it)" : ""),
  );
}

function checkBatch(shape: Shape, features: number): void {
  if (shape.length === 3 && shape[2] === features && shape[1] > 0) return;
  throw new ShapeError(
    `expected input of [batch, steps, ${features}], got ${formatShape(shape)}`,
  );
}

function checkActivation(factory: string, option: string, name: CellActivation): void {
  if (cellActivations.includes(name)) return;
  const received = typeof name === "string" ? `"${name}"` : `a ${typeof name}`;
  throw new RangeError(
    `Cannot make ${factory} as its ${option} runs inside of the kernel over time and must be one ` +
      `of ${cellActivations.join(", ")}: received ${received}`,
  );
}
