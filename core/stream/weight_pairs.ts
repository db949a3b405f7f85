import { ShapeError } from "../graph/errors.ts";
import { formatShape, sameShape } from "../graph/shape.ts";
import type { AnyModel } from "../nn/connect.ts";
import type { Parameter } from "../nn/parameter.ts";

/** How weights of two models find each other. */
export interface WeightPairsOptions {
  /**
   * How weights find each other: by their names, those of the target that the source lacks keeping
   * their values; or by their order, in models of the same number. Default `name`.
   */
  readonly by?: "name" | "order";
  /** Whether weights whose shapes differ are left out, rather than refused; default false. */
  readonly skipMismatch?: boolean;
}

/** A weight of one model, and that of another which it takes its values from. */
export interface WeightPair {
  /** Its name in the model that takes. */
  readonly name: string;
  /** The weight that takes. */
  readonly parameter: Parameter;
  /** The weight that gives. */
  readonly source: Parameter;
}

/**
 * The weights of `to` that find one in `from`.
 *
 * @param purpose What cannot be done, for messages: `copy weights`.
 */
export function weightPairs(
  purpose: string,
  from: AnyModel,
  to: AnyModel,
  { by = "name", skipMismatch = false }: WeightPairsOptions,
): WeightPair[] {
  if (by !== "name" && by !== "order") {
    throw new RangeError(
      `Cannot ${purpose} as by must be "name" or "order": received ${JSON.stringify(by)}`,
    );
  }
  const given = by === "name" ? from.weights : inOrder(purpose, from, to);
  const pairs = [...to.weights].flatMap(([name, parameter]) => {
    const source = given.get(name);
    return source ? [{ name, parameter, source }] : [];
  });
  if (pairs.length === 0 && to.weights.size > 0) {
    throw new RangeError(
      `Cannot ${purpose} as no name is in both models: ${from.name} has ${names(from)}, ` +
        `${to.name} has ${names(to)} (name the layers, or choose by order)`,
    );
  }
  return pairs.filter(({ name, parameter, source }) => {
    if (sameShape(parameter.shape, source.shape)) return true;
    if (skipMismatch) return false;
    throw new ShapeError(
      `Cannot ${purpose} as the shape of ${name} is ${formatShape(parameter.shape)}: received ` +
        `${formatShape(source.shape)} (use skipMismatch to leave it as it is)`,
    );
  });
}

/** The weights of `from` under the names that those in the same places have in `to`. */
function inOrder(
  purpose: string,
  from: AnyModel,
  to: AnyModel,
): ReadonlyMap<string, Parameter> {
  if (from.weights.size !== to.weights.size) {
    throw new ShapeError(
      `Cannot ${purpose} by order as both models need the same number: received ` +
        `${from.weights.size} of ${from.name} for ${to.weights.size} of ${to.name}`,
    );
  }
  const sources = [...from.weights.values()];
  return new Map([...to.weights.keys()].map((name, place) => [name, sources[place]]));
}

function names(model: AnyModel): string {
  const all = [...model.weights.keys()];
  return `${all.slice(0, 4).join(", ") || "none"}${all.length > 4 ? ", …" : ""}`;
}
