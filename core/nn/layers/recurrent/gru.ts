import { add } from "../../../ops/add.ts";
import { concat, slice } from "../../../ops/concat.ts";
import { zeros } from "../../../ops/eager.ts";
import { reshape } from "../../../ops/reshape.ts";
import type { RecurrentLayer, ReturnsState } from "./recurrent_layer.ts";
import type { GatedOptions } from "./recurrent_options.ts";
import { type Cell, checkUnits, recurrent } from "./recurrent_parts.ts";

/** Options of {@link gru}. */
export interface GruOptions extends GatedOptions {
  /**
   * Whether the reset gate scales the product of the state, as cuDNN and PyTorch have it (default), or
   * the state before it, as in the paper's first version: g = φ(g + (r hₜ₋₁) · recurrent_kernel + bias),
   * with one `bias` of `[3 units]`.
   */
  readonly resetAfter?: boolean;
}

/**
 * Gated recurrent units: a state that one gate updates, with another one on what it remembers.
 *
 * [z, r, g] = xₜ · kernel + bias₀ and [z', r', q] = hₜ₋₁ · recurrent_kernel + bias₁; z = σ(z + z'),
 * r = σ(r + r'), g = φ(g + r q); hₜ = z hₜ₋₁ + (1 − z) g, with σ the `recurrentActivation` and φ the
 * `activation`.
 *
 * The weights are `kernel` `[features, 3 units]`, `recurrent_kernel` `[units, 3 units]` and `bias`
 * `[2, 3 units]`, with the gates in the order z, r, g: Keras's. The state begins at 0 in every sample, unless it is given: `connect([x, h], gru(8))`. With `returnState` the
 * layer gives its last state, too, as `{ outputs, h }`.
 *
 * @param units Size of the state, from 1.
 * @param options Activations, bias, initializers, what to give, padding.
 * @returns A layer from `[steps, features]` to `[units]`, or `[steps, units]` with `returnSequences`; with
 * `returnState` one of several outputs, for {@link connect}.
 * @throws {RangeError} when `units` is not a whole number from 1, or a name is not known.
 *
 * @example
 * ```ts
 * import { gru, input, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([10, 3]), gru(8, { returnSequences: true })]);
 * assert.deepEqual(model.outputShape, [10, 8]);
 * ```
 *
 * Source: K. Cho and others, 2014; by default with the reset gate behind the product, as cuDNN has it.
 * Keras: `GRU`. PyTorch: `nn.GRU`, with the order r, z, g.
 */
export function gru(
  units: number,
  options?: GruOptions & { readonly returnState?: false },
): RecurrentLayer;
/** As above, and the last states as outputs of their own. */
export function gru(
  units: number,
  options: GruOptions & { readonly returnState: true },
): ReturnsState;
/** Either of both. */
export function gru(units: number, options?: GruOptions): RecurrentLayer | ReturnsState;
export function gru(
  units: number,
  options: GruOptions = {},
): RecurrentLayer | ReturnsState {
  const { resetAfter = true } = options;
  checkUnits("gru", units);
  return recurrent(units, options, {
    type: "GRU",
    factory: "gru",
    ...(resetAfter ? resetsAfter(units) : resetsBefore(units)),
  });
}

type OwnCell = Omit<Cell, "type" | "factory">;

/** The op has the candidate in front. */
function resetsAfter(units: number): OwnCell {
  return {
    cell: "gru",
    biasShape: [2, 3 * units],
    orderKernel: (kernel) => {
      const [rows, columns] = kernel.shape;
      return concat([
        slice(kernel, [0, 2 * units], [rows, columns]),
        slice(kernel, [0, 0], [rows, 2 * units]),
      ], 1);
    },
    orderBias: (bias) => {
      if (!bias) return zeros([4 * units]);
      const part = (row: number, from: number, to: number) =>
        reshape(slice(bias, [row, from * units], [row + 1, to * units]), [(to - from) * units]);
      return concat([part(0, 2, 3), add(part(0, 0, 2), part(1, 0, 2)), part(1, 2, 3)]);
    },
  };
}

function resetsBefore(units: number): OwnCell {
  return {
    cell: "gruResetBefore",
    biasShape: [3 * units],
    orderBias: (bias) => bias ?? zeros([3 * units]),
  };
}
