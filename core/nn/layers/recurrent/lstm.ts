import { zeros } from "../../../ops/eager.ts";
import type { Initializer } from "../../initializer.ts";
import { type InitializerName, initializerOf } from "../../initializers/by_name.ts";
import type { LstmOutputs, RecurrentLayer, ReturnsState } from "./recurrent_layer.ts";
import type { GatedOptions } from "./recurrent_options.ts";
import { checkUnits, recurrent } from "./recurrent_parts.ts";

/** Options of {@link lstm}. */
export interface LstmOptions extends GatedOptions {
  /** Whether the forget gate's bias starts at 1, so that cells remember at first; default true. */
  readonly unitForgetBias?: boolean;
}

/**
 * Long short-term memory: cells that gates write, keep and read.
 *
 * [i, f, g, o] = xₜ · kernel + hₜ₋₁ · recurrent_kernel + bias; cₜ = σ(f) cₜ₋₁ + σ(i) φ(g);
 * hₜ = σ(o) φ(cₜ), with σ the `recurrentActivation` and φ the `activation`.
 *
 * The weights are `kernel` `[features, 4 units]`, `recurrent_kernel` `[units, 4 units]` and `bias`
 * `[4 units]`, with the gates in the order i, f, g, o. States begin at 0 in every sample, unless they
 * are given: `connect([x, h, c], lstm(8))`, Keras's `initial_state`. With `returnState` the layer
 * gives its last states, too, as `{ outputs, h, c }`. The inputs' products of all steps are one matrix
 * product, and the steps are one kernel. On WebGPU the units are at most 1,024, more where the adapter's
 * workgroups share more than 16 KiB.
 *
 * @param units Number of cells, from 1.
 * @param options Activations, bias, initializers, what to give, padding.
 * @returns A layer from `[steps, features]` to `[units]`, or `[steps, units]` with `returnSequences`; with
 * `returnState` one of several outputs, for {@link connect}.
 * @throws {RangeError} when `units` is not a whole number from 1, or a name is not known.
 *
 * @example
 * ```ts
 * import { dense, input, lstm, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const stack = [lstm(32, { returnSequences: true }), lstm(16), dense(10)];
 * assert.deepEqual(sequential([input([28, 28]), ...stack]).outputShape, [10]);
 * ```
 *
 * @example An encoder of letters, and a decoder of sounds that goes on from its states
 * ```ts
 * import { connect, dense, embedding, functional, generate, input, lstm } from "@millrace/millrace";
 * import { lastValueFrom, toArray } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const [letters, sounds] = [input([5]), input([7])];
 * const read = connect(letters, embedding(27, 8, { maskZero: true }));
 * const { h, c } = connect(read, lstm(16, { returnState: true }));
 * const heard = connect(sounds, embedding(40, 8));
 * const decoded = connect([heard, h, c], lstm(16, { returnSequences: true }), dense(40));
 * const model = functional({ inputs: { letters, sounds }, outputs: decoded });
 * assert.deepEqual(model.outputShape, [7, 40]);
 *
 * // Each sound is drawn by those before it; here the model has learnt nothing yet.
 * const inputs = { letters: { data: Float32Array.of(3, 1, 20, 0, 0), shape: [1, 5] } };
 * const spoken = generate(model, [1], { inputs, seed: 3, device: "cpu", threads: 1 });
 * assert.equal((await lastValueFrom(spoken.pipe(toArray()))).length, 6);
 * ```
 *
 * Source: S. Hochreiter and J. Schmidhuber, 1997; the forget gate is F. Gers's, 2000. Keras: `LSTM`.
 * PyTorch: `nn.LSTM`, with the same order of gates, kernels transposed and two biases.
 */
export function lstm(
  units: number,
  options?: LstmOptions & { readonly returnState?: false },
): RecurrentLayer;
/** As above, and the last states as outputs of their own. */
export function lstm(
  units: number,
  options: LstmOptions & { readonly returnState: true },
): ReturnsState<LstmOutputs>;
/** Either of both. */
export function lstm(
  units: number,
  options?: LstmOptions,
): RecurrentLayer | ReturnsState<LstmOutputs>;
export function lstm(
  units: number,
  options: LstmOptions = {},
): RecurrentLayer | ReturnsState<LstmOutputs> {
  const { unitForgetBias = true } = options;
  checkUnits("lstm", units);
  return recurrent(units, options, {
    type: "LSTM",
    factory: "lstm",
    cell: "lstm",
    biasShape: [4 * units],
    startBias: unitForgetBias ? (initializer) => remembering(initializer, units) : undefined,
    orderBias: (bias) => bias ?? zeros([4 * units]),
  }) as RecurrentLayer | ReturnsState<LstmOutputs>;
}

/** An initializer with ones for the forget gate. */
export function remembering(given: InitializerName | Initializer, units: number): Initializer {
  const start = initializerOf(given);
  return {
    ...start,
    values: (shape, key) => start.values(shape, key).fill(1, units, 2 * units),
  };
}
