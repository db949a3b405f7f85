import { DTypeError, ShapeError } from "../../../graph/errors.ts";
import { iota } from "../../../graph/leaf.ts";
import {
  type CellActivation,
  cellActivations,
  cellLayouts,
  type CellName,
} from "../../../graph/recurrence.ts";
import { formatShape } from "../../../graph/shape.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { cast } from "../../../ops/cast.ts";
import { expandDims } from "../../../ops/expand_dims.ts";
import { gather } from "../../../ops/gather.ts";
import { matmul } from "../../../ops/matmul.ts";
import { mul } from "../../../ops/mul.ts";
import { recurrence } from "../../../ops/recurrence.ts";
import { reshape } from "../../../ops/reshape.ts";
import { sub } from "../../../ops/sub.ts";
import { transpose } from "../../../ops/transpose.ts";
import { checkCount } from "../../check_count.ts";
import type { Constraint } from "../../constraint.ts";
import type { Initializer } from "../../initializer.ts";
import type { InitializerName } from "../../initializers/by_name.ts";
import type { ApplyContext, Layer } from "../../layer.ts";
import type { Regularizer } from "../../regularizer.ts";
import { checkScalarSource, type ScalarSource } from "../../scalar.ts";
import { dropped, rates } from "../regularization/noise.ts";
import { penalizeOutputs, weight, type WeightedLayerOptions } from "../weighted.ts";

/** Options of every recurrent layer. */
export interface RecurrentOptions extends WeightedLayerOptions {
  /** What is applied to candidates and outputs: `tanh` (default), `relu`, `sigmoid` or `linear`. */
  readonly activation?: CellActivation;
  /** Whether numbers are added to the sums; default true. */
  readonly useBias?: boolean;
  /** How the inputs' kernel starts; default `glorotUniform`. */
  readonly kernelInitializer?: InitializerName | Initializer;
  /** How the states' kernel starts; default `orthogonal`. */
  readonly recurrentInitializer?: InitializerName | Initializer;
  /** How the bias starts; default `zeros`. */
  readonly biasInitializer?: InitializerName | Initializer;
  /** Penalty on the inputs' kernel; default none. */
  readonly kernelRegularizer?: Regularizer;
  /** Penalty on the states' kernel; default none. */
  readonly recurrentRegularizer?: Regularizer;
  /** Penalty on the bias; default none. */
  readonly biasRegularizer?: Regularizer;
  /** What the inputs' kernel must keep after every update; default nothing. */
  readonly kernelConstraint?: Constraint;
  /** What the states' kernel must keep after every update; default nothing. */
  readonly recurrentConstraint?: Constraint;
  /** What the bias must keep after every update; default nothing. */
  readonly biasConstraint?: Constraint;
  /** Whether the states after all steps are given, or those after the last; default false. */
  readonly returnSequences?: boolean;
  /** Whether steps are taken, and given, from the last to the first; default false. */
  readonly goBackwards?: boolean;
  /**
   * Part of the inputs' features that is tossed out in training, from 0 to 1, the same ones at all
   * steps of a sample; a number or a stream of numbers; default 0.
   */
  readonly dropout?: ScalarSource;
  /**
   * Whether `returnSequences` gives zeros for steps that the mask leaves out, where it gives the state
   * before them again; default false.
   */
  readonly zeroOutputForMask?: boolean;
}

/** Options of cells with gates. */
export interface GatedOptions extends RecurrentOptions {
  /** What is applied to gates: `sigmoid` (default), `tanh`, `relu` or `linear`. */
  readonly recurrentActivation?: CellActivation;
}

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

/** A recurrent layer; see `simpleRnn`, `lstm`, `gru`. */
export function recurrent(units: number, options: GatedOptions, own: Cell): Layer {
  const { name = "", inputShape, trainable, activityRegularizer } = options;
  const { useBias = true, returnSequences = false, goBackwards = false } = options;
  const { activation = "tanh", recurrentActivation = "sigmoid" } = options;
  const { dropout = 0, zeroOutputForMask = false } = options;
  const { factory, cell } = own;
  checkActivation(factory, "activation", activation);
  checkActivation(factory, "recurrentActivation", recurrentActivation);
  checkScalarSource(`the dropout of ${factory}`, dropout, rates);
  const layout = cellLayouts[cell];
  const makeKernel = weight("kernel", {
    initializer: options.kernelInitializer ?? "glorotUniform",
    regularizer: options.kernelRegularizer,
    constraint: options.kernelConstraint,
  });
  const makeRecurrent = weight("recurrent_kernel", {
    initializer: options.recurrentInitializer ?? "orthogonal",
    regularizer: options.recurrentRegularizer,
    constraint: options.recurrentConstraint,
  });
  const biasStart = options.biasInitializer ?? "zeros";
  const makeBias = weight("bias", {
    initializer: own.startBias?.(biasStart) ?? biasStart,
    regularizer: options.biasRegularizer,
    constraint: options.biasConstraint,
  });
  return {
    type: own.type,
    config: { units, ...options },
    name,
    inputShape,
    trainable,
    init(given, key) {
      if (given.length !== 2) {
        throw new ShapeError(
          `expected input of steps and features, got shape ${formatShape(given)}` +
            (given.length === 1 ? " (reshapeLayer or embedding make steps of it)" : ""),
        );
      }
      const [steps, features] = given;
      const parameters = [
        makeKernel([features, layout.inputs * units], key),
        makeRecurrent([units, layout.recurrent * units], key),
      ];
      if (useBias) parameters.push(makeBias(own.biasShape, key));
      return { outputShape: returnSequences ? [steps, units] : [units], parameters };
    },
    apply({ kernel, recurrent_kernel, bias }, x, context) {
      checkInput(x, kernel.shape[0]);
      const [batch, steps, features] = x.shape;
      const [mask] = context.masks;
      const ordered = (line: Tensor) =>
        goBackwards ? gather(line, sub(steps - 1, iota([steps], 0))) : line;
      const live = mask && ordered(transpose(cast(mask, "f32")));
      const seen = context.training && dropout !== 0 ? tossed(x, dropout, context) : x;
      const rows = reshape(ordered(transpose(seen, [1, 0, 2])), [steps * batch, features]);
      const sums = matmul(rows, own.orderKernel?.(kernel) ?? kernel);
      const states = recurrence(
        reshape(sums, [steps, batch, layout.inputs * units]),
        recurrent_kernel,
        own.orderBias(bias),
        {
          cell,
          activation,
          recurrentActivation,
          sequences: returnSequences,
          ...(live && { mask: live }),
        },
      );
      const all = returnSequences ? transpose(states, [1, 0, 2]) : reshape(states, [batch, units]);
      const outputs = returnSequences && zeroOutputForMask && live
        ? mul(all, expandDims(transpose(live), 2))
        : all;
      return penalizeOutputs(outputs, activityRegularizer, context);
    },
    // Steps stay where they are; with goBackwards, Keras gives this mask, too.
    computeMask: (_x, mask) => returnSequences ? mask : undefined,
  };
}

/** The inputs without some of their features, which a sample lacks at all of its steps. */
function tossed(x: Tensor, dropout: ScalarSource, context: ApplyContext): Tensor {
  const [batch, , features] = x.shape;
  const rate = context.scalar(dropout, "dropout", rates);
  return dropped(x, [batch, 1, features], rate, context.randomKey("dropout"), context.counter);
}

/** Refuses a number of units that is none. */
export function checkUnits(factory: string, units: number): void {
  checkCount(`the units of ${factory}`, units, 1);
}

function checkActivation(factory: string, option: string, name: CellActivation): void {
  if (cellActivations.includes(name)) return;
  const received = typeof name === "string" ? `"${name}"` : `a ${typeof name}`;
  throw new RangeError(
    `Cannot make ${factory} as its ${option} runs inside of the kernel over time and must be one ` +
      `of ${cellActivations.join(", ")}: received ${received}`,
  );
}

function checkInput(x: Tensor, features: number): void {
  if (x.dtype !== "f32") throw new DTypeError(`expected input of f32, got ${x.dtype}`);
  if (x.rank === 3 && x.shape[2] === features && x.shape[1] > 0) return;
  throw new ShapeError(
    `expected input of [batch, steps, ${features}], got ${formatShape(x.shape)}`,
  );
}
