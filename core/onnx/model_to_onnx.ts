import type { AnyModel } from "../nn/connect.ts";
import { checkModel } from "../stream/check_model.ts";
import { settled } from "../stream/settled.ts";
import { encodeOnnx } from "./messages.ts";
import { modelGraph } from "./model_graph.ts";
import { onnxForms } from "./nodes/mod.ts";
import { prune } from "./prune.ts";
import { traceModel } from "./traced_model.ts";

/**
 * A model in inference as an ONNX file, which ONNX Runtime and others run: in browsers, on phones, from
 * Python, C++ and Rust.
 *
 * Inputs and outputs are float32, `[batch, ...]` for any batch size, ids among inputs, too. They have
 * the model's names for them, or `input` and `output`; an output that is named as an input is
 * `NAME_output`. Weights are those of now, also while a run trains them, and what can be computed of
 * them beforehand has been. Masks act within the model; that of an output is not part of the file.
 *
 * Version 18 of ONNX's operators (2022) is asked for. What has no form there is refused: layers whose
 * states go from batch to batch, sorting, linear systems, bits of whole numbers. An elementwise op of
 * your own is written as what its WGSL says. Ids out of range, which make NaN or nothing here, are
 * errors of some runtimes; all of them round the last bits in their own way.
 *
 * @param model The model.
 * @returns The file's bytes, which {@link saveOnnx} writes.
 * @throws {TypeError} when something in it has no form in ONNX; the message names the layer.
 *
 * @example
 * ```ts
 * import { dense, input, modelToOnnx, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const bytes = await modelToOnnx(sequential([input([2]), dense(3, { activation: "relu" })]));
 * const text = new TextDecoder("latin1").decode(bytes);
 * assert.match(text, /MatMul.*Add.*Relu/s);
 * assert.match(text, /dense_1\/kernel/);
 * ```
 *
 * Keras: `Model.export(path, format="onnx")`. PyTorch: `torch.onnx.export`.
 */
export async function modelToOnnx(model: AnyModel): Promise<Uint8Array<ArrayBuffer>> {
  checkModel("export a model as modelToOnnx", model);
  checkStateless(model);
  await settled(model);
  const traced = traceModel(model, (name) => name in onnxForms);
  return encodeOnnx(prune(await modelGraph(traced, model.name)));
}

/** Refuses layers whose states go from batch to batch. */
function checkStateless(model: AnyModel): void {
  const state = [...model.weights].find(([, { state }]) => state)?.[0];
  if (state === undefined) return;
  throw new TypeError(
    `Cannot export the model ${model.name} to ONNX as "${state}" goes from batch to batch, for ` +
      `which a file has no place: make the layer without stateful, and copy its weights`,
  );
}
