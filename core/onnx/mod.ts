/**
 * Models as files that other programs run.
 *
 * @module
 */
export { modelToOnnx } from "./model_to_onnx.ts";
export { saveOnnx } from "./save_onnx.ts";
