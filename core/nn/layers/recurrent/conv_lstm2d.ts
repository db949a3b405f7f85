import type { AxisSizes } from "../convolution/geometry.ts";
import { convLstm, type ConvLstmOptions } from "./conv_lstm.ts";
import type { LstmOutputs, RecurrentLayer, ReturnsState } from "./recurrent_layer.ts";

/**
 * Long short-term memory whose products are convolutions: states are pictures, for films and radar.
 *
 * [i, f, g, o] = xₜ ∗ kernel + hₜ₋₁ ∗ recurrent_kernel + bias; cₜ = σ(f) cₜ₋₁ + σ(i) φ(g);
 * hₜ = σ(o) φ(cₜ), with σ the `recurrentActivation` and φ the `activation`. States begin at 0 unless
 * they are given, `connect([x, h, c], convLstm2d(16, 3))`; `returnState`, `stateful`, masks and
 * {@link bidirectional} are those of {@link lstm}.
 *
 * The inputs' convolution of all steps is one; the steps are laid out one behind the other in the
 * plan, which grows with them: some tens are well, for thousands take {@link lstm}.
 *
 * @param filters Channels of the states, from 1.
 * @param kernelSize Taps of both windows, one number or one an axis.
 * @param options Strides, padding, dilation, activations, what to give, dropouts, and how weights start
 * and are kept.
 * @returns A layer from `[steps, height, width, channels]` to `[height, width, filters]` after the
 * window, or `[steps, height, width, filters]` with `returnSequences`; with `returnState` one of several
 * outputs, for {@link connect}. Its weights are `kernel` `[...kernelSize, channels, 4 filters]`,
 * `recurrent_kernel` `[...kernelSize, filters, 4 filters]` and `bias` `[4 filters]`, with the gates in
 * the order i, f, g, o.
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
 * @example What is seen of the weather, and what it will be: the second begins with the states of the first
 * ```ts
 * import { connect, convLstm2d, functional, input } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const [seen, hours] = [input([10, 16, 16, 1]), input([6, 16, 16, 2])];
 * const { h, c } = connect(seen, convLstm2d(8, 3, { padding: "same", returnState: true }));
 * const told = convLstm2d(8, 3, { padding: "same", returnSequences: true });
 * const model = functional({ inputs: { seen, hours }, outputs: connect([hours, h, c], told) });
 * assert.deepEqual(model.outputShape, [6, 16, 16, 8]);
 * ```
 *
 * Source: X. Shi and others, "Convolutional LSTM network: a machine learning approach for
 * precipitation nowcasting", 2015, without its peepholes. Keras: `ConvLSTM2D`, whose dropouts draw a
 * mask for each gate, too. PyTorch has none.
 */
export function convLstm2d(
  filters: number,
  kernelSize: AxisSizes,
  options?: ConvLstmOptions & { readonly returnState?: false },
): RecurrentLayer;
/** As above, and the last states as outputs of their own. */
export function convLstm2d(
  filters: number,
  kernelSize: AxisSizes,
  options: ConvLstmOptions & { readonly returnState: true },
): ReturnsState<LstmOutputs>;
/** Either of both. */
export function convLstm2d(
  filters: number,
  kernelSize: AxisSizes,
  options?: ConvLstmOptions,
): RecurrentLayer | ReturnsState<LstmOutputs>;
export function convLstm2d(
  filters: number,
  kernelSize: AxisSizes,
  options: ConvLstmOptions = {},
): RecurrentLayer | ReturnsState<LstmOutputs> {
  return convLstm(2, filters, kernelSize, options);
}
