/** Definitions of models as JSON texts. */

export { modelFromJson } from "./model_from_json.ts";
export type { ModelFromJsonOptions } from "./model_from_json.ts";
export { modelToJson } from "./model_to_json.ts";
export type { CustomFactory, CustomParts } from "./option_readers.ts";
