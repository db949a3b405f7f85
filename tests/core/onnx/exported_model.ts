/** What the models that are exported are made with. */
import type * as m from "../../../mod.ts";
import { mulberry32 } from "../ops/generator.ts";

/** One model, and how its inputs are made from numbers of −1 to 1. */
export interface ExportedModel {
  readonly model: m.AnyModel;
  /** The value of an input, from a random one and its place in the sample. */
  readonly value?: (random: number, place: number, name: string) => number;
}

/** Batch sizes for which each file is run. */
export const batchSizes = [1, 3];

/** Numbers of −1 to 1. */
export function noise(count: number, seed: number): Float32Array {
  const random = mulberry32(seed);
  return Float32Array.from({ length: count }, () => 2 * random() - 1);
}

/** A model whose weights are none of those that it begins with. */
export function changed<Model extends m.AnyModel>(model: Model): Model {
  model.parameters.forEach((parameter, seed) => {
    const added = noise(parameter.value.length, seed + 1);
    parameter.set(parameter.value.map((value, at) => value + 0.2 * Math.abs(added[at])));
  });
  return model;
}

/** The SHA-256 of bytes, in hexadecimal. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
