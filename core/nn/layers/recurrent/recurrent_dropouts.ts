import type { Shape } from "../../../graph/shape.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import type { ApplyContext } from "../../layer.ts";
import { namedKey } from "../../named_key.ts";
import { checkScalarSource } from "../../scalar.ts";
import { dropped, rates } from "../regularization/noise.ts";
import type { RecurrentOptions } from "./recurrent_options.ts";

/** Rates of dropouts, and their seed. */
type DropoutOptions = Pick<RecurrentOptions, "dropout" | "recurrentDropout" | "seed">;

/** Names of their rates and random keys. */
const names = { dropout: "dropout", recurrentDropout: "recurrent_dropout" } as const;

/**
 * The dropouts of a recurrent layer, of parts that a sample lacks at all of its steps.
 *
 * @param factory Name of the layer's factory, for messages and random keys.
 * @param options Rates and seed.
 * @returns What leaves parts of `x` out, one for each number of `shape`; it gives nothing where nothing
 * is left out.
 * @throws {RangeError} when a rate is out of range.
 */
export function recurrentDropouts(factory: string, options: DropoutOptions) {
  for (const name of ["dropout", "recurrentDropout"] as const) {
    checkScalarSource(`the ${name} of ${factory}`, options[name] ?? 0, rates);
  }
  const ownKey = options.seed === undefined ? undefined : namedKey(options.seed, factory);
  return (which: keyof typeof names, x: Tensor, shape: Shape, context: ApplyContext) => {
    const { [which]: source = 0 } = options;
    if (!context.training || source === 0) return;
    const name = names[which];
    const key = ownKey?.fold(name) ?? context.randomKey(name);
    return dropped(x, shape, context.scalar(source, name, rates), key, context.counter);
  };
}
