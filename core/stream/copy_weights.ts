import { ShapeError } from "../graph/errors.ts";
import { formatShape, sameShape } from "../graph/shape.ts";
import type { AnyModel } from "../nn/connect.ts";
import type { Parameter } from "../nn/parameter.ts";
import { settled } from "./weight_table.ts";

/** Options of {@link copyWeights}. */
export interface CopyWeightsOptions {
  /**
   * How weights find each other: by their names, those of the target that the source lacks keeping
   * their values; or by their order, in models of the same number. Default `name`.
   */
  readonly by?: "name" | "order";
  /** Whether weights whose shapes differ are left out, rather than refused; default false. */
  readonly skipMismatch?: boolean;
}

/**
 * Copies the weights of a model to another: a body that was trained before goes under a new head.
 * Either all weights that find each other are copied or, on an error, none.
 *
 * @param from The model that gives.
 * @param to The model whose weights change.
 * @param options How weights find each other, and whether other shapes are left out.
 * @returns Names, in `to`, of the weights that were copied.
 * @throws {ShapeError} when shapes differ, or by order the numbers of weights do.
 * @throws {RangeError} when by name not a single weight is found.
 *
 * @example
 * ```ts
 * import { copyWeights, dense, input, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const digits = sequential([input([784]), dense(30, { name: "body" }), dense(10)], { seed: 1 });
 * const letters = sequential([input([784]), dense(30, { name: "body" }), dense(26)], { seed: 2 });
 * const copied = await copyWeights(digits, letters, { skipMismatch: true });
 * assert.deepEqual(copied, ["body/kernel", "body/bias"]);
 * ```
 *
 * Keras: `set_weights`, and `load_weights` with `by_name` and `skip_mismatch`. PyTorch:
 * `load_state_dict` with `strict=False`.
 */
export async function copyWeights(
  from: AnyModel,
  to: AnyModel,
  options: CopyWeightsOptions = {},
): Promise<string[]> {
  const { by = "name", skipMismatch = false } = options;
  if (by !== "name" && by !== "order") {
    throw new RangeError(
      `Cannot copy weights as by must be "name" or "order": received ${JSON.stringify(by)}`,
    );
  }
  await Promise.all([settled(from), settled(to)]);
  const given = by === "name" ? from.weights : inOrder(from, to);
  const pairs = [...to.weights].flatMap(([name, parameter]) => {
    const source = given.get(name);
    return source ? [{ name, parameter, source }] : [];
  });
  if (pairs.length === 0 && to.weights.size > 0) {
    throw new RangeError(
      `Cannot copy weights as no name is in both models: ${from.name} has ${
        names(from)
      }, ${to.name} has ${names(to)} (name the layers, or copy by order)`,
    );
  }
  const fitting = pairs.filter(({ name, parameter, source }) => {
    if (sameShape(parameter.shape, source.shape)) return true;
    if (skipMismatch) return false;
    throw new ShapeError(
      `Cannot copy the weight ${name} as its shape is ${formatShape(parameter.shape)}: received ${
        formatShape(source.shape)
      } (use skipMismatch to leave it as it is)`,
    );
  });
  for (const { parameter, source } of fitting) parameter.set(source.value);
  return fitting.map(({ name }) => name);
}

/** The weights of `from` under the names that those in the same places have in `to`. */
function inOrder(from: AnyModel, to: AnyModel): ReadonlyMap<string, Parameter> {
  if (from.weights.size !== to.weights.size) {
    throw new ShapeError(
      `Cannot copy weights by order as both models need the same number: received ` +
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
