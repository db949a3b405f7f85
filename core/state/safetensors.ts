/** The safetensors format, reading and writing; one file each, and one for what they share. */

export { decodeSafetensors } from "./decode_safetensors.ts";
export { encodeSafetensors } from "./encode_safetensors.ts";
export type {
  SafetensorsArrays,
  SafetensorsContents,
  SafetensorsDType,
  SafetensorsTensor,
} from "./safetensors_types.ts";
