import { evaluateTensors } from "../cpu/evaluate.ts";
import { DataError } from "../graph/errors.ts";
import { constantLeaf } from "../graph/leaf.ts";
import { Tensor } from "../graph/tensor.ts";
import type { SafetensorsTensor } from "../state/safetensors_types.ts";
import { received } from "../state/received.ts";

/**
 * Makes a weight from the tensors of another program's file, by whatever ops it takes: `transpose`,
 * `slice`, `concat`, the sum of two biases.
 *
 * @param weight The weight's name here: `dense_1/kernel`.
 * @param file Gives a tensor of the file by its name there, f32; halves and doubles are converted.
 * @returns A tensor of the weight's shape, or undefined where the file has nothing for it.
 */
export type WeightSource = (
  weight: string,
  file: (name: string) => Tensor,
) => Tensor | undefined;

/**
 * Weights that a function makes of a file's tensors.
 *
 * @throws {DataError} when it asks for a tensor that is not there, or for one of whole numbers.
 * @throws {TypeError} when it is no function, or gives something else than a tensor.
 */
export async function foreignWeights(
  from: WeightSource,
  names: readonly string[],
  tensors: ReadonlyMap<string, SafetensorsTensor>,
  path: string,
): Promise<Map<string, SafetensorsTensor>> {
  if (typeof from !== "function") {
    throw new TypeError(
      `Cannot load ${path} as from must be a function of a weight's name and the file: received ` +
        received(from),
    );
  }
  const leaves = new Map<string, Tensor>();
  const file = (name: string) => {
    const leaf = leaves.get(name) ?? leafOf(name, tensors, path);
    leaves.set(name, leaf);
    return leaf;
  };
  const made = names.flatMap((name) => {
    const tensor = from(name, file);
    if (tensor === undefined) return [];
    if (tensor instanceof Tensor) return [{ name, tensor: tensor.cast("f32") }];
    throw new TypeError(
      `Cannot load ${path} as from must give a tensor, or undefined for a weight that is not in the ` +
        `file: received ${received(tensor)} for "${name}"`,
    );
  });
  const values = await evaluateTensors(made.map(({ tensor }) => tensor));
  return new Map(made.map(({ name, tensor: { shape } }, place) => [
    name,
    { dtype: "F32", shape, data: values[place] as Float32Array },
  ]));
}

function leafOf(
  name: string,
  tensors: ReadonlyMap<string, SafetensorsTensor>,
  path: string,
): Tensor {
  const tensor = tensors.get(name);
  if (!tensor) {
    const held = [...tensors.keys()];
    throw new DataError(
      `Cannot load ${path} as it has no tensor "${name}": it holds ` +
        `${held.slice(0, 8).join(", ") || "none"}${held.length > 8 ? ", …" : ""}`,
      { file: path },
    );
  }
  const data = floatsOf(tensor);
  if (data) return constantLeaf(data, tensor.shape, "f32");
  throw new DataError(
    `Cannot load ${path} as its tensor "${name}" must hold floats: received ${tensor.dtype}`,
    { file: path },
  );
}

function floatsOf({ dtype, data }: SafetensorsTensor): Float32Array | undefined {
  switch (dtype) {
    case "F32":
      return data;
    case "F64":
      return Float32Array.from(data);
    case "F16":
      return Float32Array.from(new Float16Array(data.buffer, data.byteOffset, data.length));
    case "BF16":
      // The upper half of a float32.
      return new Float32Array(Uint32Array.from(data, (bits) => bits << 16).buffer);
  }
}
