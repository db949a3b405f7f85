import { ShapeError } from "../../../graph/errors.ts";
import { formatShape, sameShape, type Shape, sizeOf } from "../../../graph/shape.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { concat, slice } from "../../../ops/concat.ts";
import { zeros } from "../../../ops/eager.ts";
import { reshape } from "../../../ops/reshape.ts";
import { select } from "../../../ops/select.ts";
import { stack } from "../../../ops/stack.ts";
import type { LayerParameter } from "../../layer.ts";
import type { LoneMergeLayer } from "../../merge_layer.ts";
import { penalizeOutputs, type WeightedLayerOptions } from "../weighted.ts";
import { carriedStates } from "./carried_states.ts";
import { innerContext } from "./inner_context.ts";
import { layerOverTime, type Made } from "./layer_over_time.ts";
import type { CellStep, RecurrentCell } from "./recurrent_cell.ts";
import { takenShapes, takenTensors } from "./recurrent_inputs.ts";
import type { RecurrentLayer } from "./recurrent_layer.ts";
import type { RecurrentOptions } from "./recurrent_options.ts";

/** Options of {@link rnn}. */
export interface RnnOptions extends
  WeightedLayerOptions,
  Pick<
    RecurrentOptions,
    | "returnSequences"
    | "returnState"
    | "goBackwards"
    | "zeroOutputForMask"
    | "stateful"
    | "batchSize"
  > {}

/** What {@link rnn} with `returnState` gives: the outputs, and the last states by name. */
export type OutputsAndStates<State extends string = string> =
  & { readonly outputs: Tensor }
  & { readonly [Name in State]: Tensor };

/**
 * A layer that takes a cell of your own through the steps of a sequence.
 *
 * States begin at 0 in every sample, unless they are given: `connect([x, ...states], layer)`, or `stateful`
 * keeps those of the batch before, in the weight `states` `[batchSize, numbers]`: one state behind the other,
 * and then the last step's output. Steps that a mask leaves out hand states and output on as they are. The steps become parts of the graph one by one:
 * for hundreds of them; {@link lstm}, {@link gru} and {@link simpleRnn} have kernels for all steps.
 *
 * @param cell Weights, states and one step.
 * @param options What to give, direction, padding, name.
 * @returns A layer from `[steps, ...inputs]` to the cell's outputs of the last step, or of all of them with
 * `returnSequences`; with `returnState` one of several outputs, for {@link connect}: `outputs`, and the
 * last states by their names.
 * @throws {TypeError} when the cell is none, or its states have no names or the name `outputs`.
 *
 * @example A cell that keeps a mean of what it has seen
 * ```ts
 * import { add, input, modelFromJson, modelToJson, mul, predict, rnn, sequential } from "@millrace/millrace";
 * import type { RecurrentCell, RnnOptions } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const meanCell = (keep: number): RecurrentCell<"mean"> => ({
 *   type: "RunningMean",
 *   config: { keep },
 *   states: ["mean"],
 *   stateShapes: (shape) => ({ mean: shape }),
 *   outputShape: (shape) => shape,
 *   parameters: () => [],
 *   step(_parameters, x, { mean }) {
 *     const next = add(mul(mean, keep), mul(x, 1 - keep));
 *     return { output: next, states: { mean: next } };
 *   },
 * });
 * interface RunningMeanOptions extends RnnOptions {
 *   keep: number;
 *   returnState?: false;
 * }
 * const runningMean = ({ keep, ...options }: RunningMeanOptions) => rnn(meanCell(keep), options);
 *
 * const model = sequential([input([3, 1]), runningMean({ keep: 0.5, returnSequences: true })]);
 * const inputs = { data: Float32Array.of(8, 8, 0), shape: [1, 3, 1] };
 * const { data } = await predict(model, inputs, { device: "cpu", threads: 1 });
 * assert.deepEqual([...data], [4, 6, 3]);
 *
 * // What is your own is named to the reader.
 * modelFromJson(modelToJson(model), { custom: { layers: { RunningMean: runningMean } } });
 * ```
 *
 * Keras: `RNN(cell)`, of one cell.
 */
export function rnn<State extends string>(
  cell: RecurrentCell<State>,
  options?: RnnOptions & { readonly returnState?: false },
): RecurrentLayer;
/** As above, and the last states as outputs of their own. */
export function rnn<State extends string>(
  cell: RecurrentCell<State>,
  options: RnnOptions & { readonly returnState: true },
): LoneMergeLayer<OutputsAndStates<State>>;
/** Either of both. */
export function rnn<State extends string>(
  cell: RecurrentCell<State>,
  options?: RnnOptions,
): RecurrentLayer | LoneMergeLayer<OutputsAndStates<State>>;
export function rnn(
  cell: RecurrentCell,
  options: RnnOptions = {},
): RecurrentLayer | LoneMergeLayer<OutputsAndStates<string>> {
  checkCell(cell);
  const { returnSequences = false, returnState = false, goBackwards = false } = options;
  const { zeroOutputForMask = false, activityRegularizer } = options;
  const carried = carriedStates("rnn", options);
  const layer = layerOverTime(options, { ...cell.config, ...options, returnSequences }, {
    type: cell.type,
    states: cell.states,
    init(given, key) {
      const { sequence: [steps, ...inner] } = takenShapes(given, (sequence) => {
        checkSequence(sequence);
        return inOrder(cell, cell.stateShapes(sequence.slice(1)));
      });
      const output = cell.outputShape(inner);
      const states = inOrder(cell, cell.stateShapes(inner));
      return {
        outputShape: {
          outputs: returnSequences ? [steps, ...output] : output,
          ...(returnState && states),
        } as Made<Shape>,
        parameters: [
          ...checkNames(cell.parameters(inner, key), carried !== undefined),
          ...(carried ? [carried.parameter([partsSize({ ...states, outputs: output })])] : []),
        ],
      };
    },
    apply(given, inputs, context) {
      const { states: stored, ...own } = given;
      const weights = carried ? own : given;
      const shapesOf = ([batch, , ...inner]: Shape) =>
        inOrder(cell, cell.stateShapes(inner), (shape) => [batch, ...shape]);
      const { sequence: x, states: begun } = takenTensors(inputs, shapesOf);
      const [batch, steps, ...inner] = x.shape;
      const shapes = shapesOf(x.shape);
      const [mask] = context.masks;
      const within = innerContext(context, "", undefined);
      const { decoding } = context;
      const silence = zeros([batch, ...cell.outputShape(inner)]);
      const kept = carried?.before(stored, batch, context);
      const left = kept && partsOf(kept, { ...shapes, outputs: silence.shape });
      const from = (name: string, first: Tensor) => decoding?.carried(name, first) ?? first;
      let before: CellStep = {
        // A step that is left out gives what the one before it has given.
        output: from("outputs", left?.outputs ?? silence),
        states: Object.fromEntries(cell.states.map((name, place) => [
          name,
          from(name, begun[place] ?? left?.[name] ?? zeros(shapes[name])),
        ])),
      };
      const outputs = Array.from({ length: steps }, (_, turn) => {
        const at = goBackwards ? steps - 1 - turn : turn;
        const next = cell.step(weights, stepOf(x, at), before.states, within);
        checkStep(cell, next, before);
        if (!mask) return (before = next).output;
        const counts = reshape(stepOf(mask, at), [batch]);
        const output = chosen(counts, next.output, before.output);
        before = {
          output,
          states: inOrder(
            cell,
            next.states,
            (state, name) => chosen(counts, state, before.states[name]),
          ),
        };
        return zeroOutputForMask ? chosen(counts, output, silence) : output;
      });
      if (carried) {
        const last = [...Object.values(inOrder(cell, before.states)), before.output];
        carried.keep(concat(last.map((x) => reshape(x, [batch, x.size / batch])), 1), context);
      }
      decoding?.carry("outputs", before.output);
      for (const name of cell.states) decoding?.carry(name, before.states[name]);
      const all = returnSequences ? stack(outputs, 1) : before.output;
      return {
        outputs: penalizeOutputs(all, activityRegularizer, context),
        ...(returnState && inOrder(cell, before.states)),
      } as Made<Tensor>;
    },
  });
  return layer as unknown as RecurrentLayer | LoneMergeLayer<OutputsAndStates<string>>;
}

/** Values of the cell's states by name, in its order. */
function inOrder<Given, Value = Given>(
  { states }: RecurrentCell,
  values: Readonly<Record<string, Given>>,
  change: (value: Given, name: string) => Value = (value) => value as unknown as Value,
): Record<string, Value> {
  return Object.fromEntries(states.map((name) => [name, change(values[name], name)]));
}

/** How many numbers of a sample lie side by side. */
function partsSize(shapes: Readonly<Record<string, Shape>>): number {
  return Object.values(shapes).reduce((total, shape) => total + sizeOf(shape), 0);
}

/** What lies side by side, `[batch, numbers]`, by name and in shapes `[batch, …]`. */
function partsOf(
  line: Tensor,
  shapes: Readonly<Record<string, Shape>>,
): Record<string, Tensor> {
  const [batch] = line.shape;
  let begin = 0;
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const end = begin + sizeOf(shape) / batch;
      const part = reshape(slice(line, [0, begin], [batch, end]), shape);
      begin = end;
      return [name, part];
    }),
  );
}

/** `next` for the samples whose step counts, `before` for the others. */
function chosen(counts: Tensor, next: Tensor, before: Tensor): Tensor {
  return select(reshape(counts, [counts.size, ...next.shape.slice(1).fill(1)]), next, before);
}

function stepOf(x: Tensor, step: number): Tensor {
  const begin = x.shape.map((_, axis) => axis === 1 ? step : 0);
  const part = slice(x, begin, x.shape.with(1, step + 1));
  return reshape(part, [x.shape[0], ...x.shape.slice(2)]);
}

function checkCell(cell: RecurrentCell): void {
  const isCell = typeof cell === "object" && cell !== null && typeof cell.step === "function";
  const names = isCell ? cell.states : [];
  if (isCell && names.length > 0 && !names.includes("outputs")) return;
  throw new TypeError(
    `Cannot make rnn as it needs a cell with a step, and names of its states, of which none is ` +
      `outputs: received ${isCell ? `the states ${JSON.stringify(names)}` : typeof cell}`,
  );
}

/** Refuses a weight of the cell's that has the name of a stateful layer's own. */
function checkNames(made: readonly LayerParameter[], stateful: boolean): readonly LayerParameter[] {
  if (!stateful || made.every(({ name }) => name !== "states")) return made;
  throw new TypeError(
    'expected a cell without a weight "states", as a stateful layer keeps its states under that name',
  );
}

function checkSequence(shape: Shape): void {
  if (shape.length > 0 && shape[0] > 0) return;
  throw new ShapeError(`expected input with an axis of steps, got shape ${formatShape(shape)}`);
}

function checkStep(cell: RecurrentCell, next: CellStep, before: CellStep): void {
  const pairs = [
    ["the output", next.output, before.output] as const,
    ...cell.states.map((name) =>
      [`state ${name}`, next.states[name], before.states[name]] as const
    ),
  ];
  for (const [what, made, wanted] of pairs) {
    if (made && sameShape(made.shape, wanted.shape)) continue;
    throw new ShapeError(
      `expected a cell whose step gives ${what} of ${formatShape(wanted.shape)}, as it says, got ` +
        `${made ? formatShape(made.shape) : "nothing"}`,
    );
  }
}
