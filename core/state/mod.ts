/** Files that hold a model's state, and the streams of random numbers it was made from. */

export { checkWritable, writeFileAtomic } from "./atomic_write.ts";
export { foldKey } from "./fold_key.ts";
export { permutation } from "./permutation.ts";
export { RandomStream } from "./random_stream.ts";
export {
  decodeSafetensors,
  encodeSafetensors,
  type SafetensorsArrays,
  type SafetensorsContents,
  type SafetensorsDType,
  type SafetensorsTensor,
} from "./safetensors.ts";
export { threefry2x32, type WordPair } from "./threefry.ts";
export type { LookupMode, VocabularyOptions } from "./vocabulary.ts";
