import { eachArray } from "../../data/arrays.ts";
import { type AnyDataSet, type Inputs, isStored, type StoredInputs } from "../../data/data_set.ts";
import { type InputValues, storeInputs } from "../../data/store_arrays.ts";
import { DataError } from "../graph/errors.ts";
import type { Shape } from "../graph/shape.ts";
import type { AnyModel } from "../nn/connect.ts";
import {
  entriesOf,
  type Like,
  type NamedEntry,
  type OneOrNamed,
  type Tensors,
} from "../nn/named.ts";

/**
 * The numbers that a model of these inputs predicts from: what {@linkcode arrays} takes as inputs,
 * such as nested arrays, flat typed arrays, or the `x` of a data set; by name for a model of several.
 */
export type InputValuesFor<X extends Tensors> = Like<X, InputValues>;

/**
 * What a model predicts from, as a data set without targets, unless its reader fills them along with
 * inputs.
 *
 * @throws {DataError} when it is neither arrays of numbers nor a data set.
 */
export function inferenceData(
  model: AnyModel,
  inputs: OneOrNamed<InputValues> | AnyDataSet,
): AnyDataSet {
  const isWhole = isDataSet(model, inputs);
  if (isWhole && inputs.read) return inputs;
  return { x: isWhole ? inputs.x : storedInputs(model, inputs), y: {} };
}

/**
 * The inputs as devices read them; a flat typed array holds samples of the shape that the model takes.
 *
 * @param purpose What cannot be done, and with what, for messages.
 */
export function storedInputs(
  model: AnyModel,
  inputs: OneOrNamed<InputValues>,
  purpose: string = "predict as x",
): Inputs {
  const shapes = new Map(inputShapes(model));
  const x = eachArray<InputValues, StoredInputs>(inputs, (values, name) => {
    if (isStoredInput(values)) return values;
    const shape = ArrayBuffer.isView(values) ? shapes.get(name) : undefined;
    return storeInputs(values, NaN, shape, purpose);
  });
  if (isStored(x) || Object.keys(x).length > 0) return x;
  throw new DataError(`Cannot ${purpose} holds no array: give one for each input, by name`);
}

/** Whether inputs are in a type that devices read already. */
function isStoredInput(values: InputValues): values is StoredInputs {
  if (typeof values !== "object" || values === null || !("shape" in values)) return false;
  return values.data instanceof Uint8Array || values.data instanceof Float32Array;
}

/** Shape of a sample of each input, by name; `null` for a model's only one. */
export function inputShapes(model: AnyModel): NamedEntry<Shape>[] {
  return entriesOf<Shape>(model.inputShape, Array.isArray);
}

/** Whether something is a data set, rather than the inputs x and y of a model of such names. */
function isDataSet(
  model: AnyModel,
  inputs: OneOrNamed<InputValues> | AnyDataSet,
): inputs is AnyDataSet {
  if (typeof inputs !== "object" || inputs === null || !("x" in inputs && "y" in inputs)) {
    return false;
  }
  const names = inputShapes(model).map(([name]) => name);
  return typeof inputs.read === "function" || !(names.includes("x") && names.includes("y"));
}
