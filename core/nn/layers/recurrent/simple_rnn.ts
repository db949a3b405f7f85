import { zeros } from "../../../ops/eager.ts";
import type { RecurrentLayer, ReturnsState } from "./recurrent_layer.ts";
import type { RecurrentOptions } from "./recurrent_options.ts";
import { checkUnits, recurrent } from "./recurrent_parts.ts";

/**
 * A layer whose outputs go back into it: hₜ = activation(xₜ · kernel + hₜ₋₁ · recurrent_kernel + bias).
 *
 * The weights are `kernel` `[features, units]`, `recurrent_kernel` `[units, units]` and `bias`
 * `[units]`; the state begins at 0 in every sample, unless it is given: `connect([x, h], simpleRnn(8))`.
 * With `returnState` the layer gives its last state, too, as `{ outputs, h }`.
 *
 * @param units Size of the state, from 1.
 * @param options Activation, bias, initializers, what to give, padding.
 * @returns A layer from `[steps, features]` to `[units]`, or `[steps, units]` with `returnSequences`; with
 * `returnState` one of several outputs, for {@link connect}.
 * @throws {RangeError} when `units` is not a whole number from 1, or a name is not known.
 *
 * @example
 * ```ts
 * import { input, sequential, simpleRnn } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([10, 3]), simpleRnn(8)]);
 * assert.deepEqual(model.outputShape, [8]);
 * ```
 *
 * Source: J. Elman, "Finding structure in time", 1990. Keras: `SimpleRNN`. PyTorch: `nn.RNN`, which
 * has two biases and starts otherwise.
 */
export function simpleRnn(
  units: number,
  options?: RecurrentOptions & { readonly returnState?: false },
): RecurrentLayer;
/** As above, and the last states as outputs of their own. */
export function simpleRnn(
  units: number,
  options: RecurrentOptions & { readonly returnState: true },
): ReturnsState;
/** Either of both. */
export function simpleRnn(units: number, options?: RecurrentOptions): RecurrentLayer | ReturnsState;
export function simpleRnn(
  units: number,
  options: RecurrentOptions = {},
): RecurrentLayer | ReturnsState {
  checkUnits("simpleRnn", units);
  return recurrent(units, options, {
    type: "SimpleRNN",
    factory: "simpleRnn",
    cell: "simpleRnn",
    biasShape: [units],
    orderBias: (bias) => bias ?? zeros([units]),
  });
}
