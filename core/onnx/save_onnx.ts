import type { AnyModel } from "../nn/connect.ts";
import { writeFileAtomic } from "../state/atomic_write.ts";
import { modelToOnnx } from "./model_to_onnx.ts";

/**
 * Writes a model in inference to an ONNX file: {@link modelToOnnx}. It is replaced in one move, whatever
 * happens.
 *
 * @param model The model.
 * @param path The file; its folder must exist. Needs `--allow-read` and `--allow-write`.
 * @throws {TypeError} when something in the model has no form in ONNX; the old file stays.
 * @throws {Error} when the file cannot be written; the old one stays whole.
 *
 * @example
 * ```ts
 * import { conv2d, dense, flatten, input, saveOnnx, sequential } from "@millrace/millrace";
 *
 * const folder = await Deno.makeTempDir();
 * const model = sequential([
 *   input([28, 28, 1]),
 *   conv2d(8, 3, { activation: "relu" }),
 *   flatten(),
 *   dense(10, { activation: "softmax" }),
 * ]);
 * await saveOnnx(model, `${folder}/digits.onnx`); // takes `input` [batch, 28, 28, 1], makes `output`
 * await Deno.remove(folder, { recursive: true });
 * ```
 *
 * Keras: `Model.export(path, format="onnx")`. PyTorch: `torch.onnx.export`.
 */
export async function saveOnnx(model: AnyModel, path: string): Promise<void> {
  await writeFileAtomic(path, await modelToOnnx(model));
}
