import type { Shape } from "../../../graph/shape.ts";

/** Options of layers that have no others. */
export interface PlainOptions {
  /** Name; default the type and a count, as `permute_1`. */
  readonly name?: string;
  /** Shape of the inputs without the batch, for a first layer. */
  readonly inputShape?: Shape;
}
