/** Data sets: from arrays, IDX files, NumPy, CSV and MNIST, and what is done to them before training. */

export {
  arrays,
  type ArraysOptions,
  type Named,
  type NamedArraysOptions,
  type NoTargets,
  type OptionFor,
  type StoredFor,
} from "./arrays.ts";
export { type CsvOptions, type CsvTable, parseCsv } from "./csv.ts";
export { csvDataSet, type CsvDataSetOptions } from "./csv_data_set.ts";
export {
  type AnyDataSet,
  type DataSet,
  type Inputs,
  sampleCount,
  type StoredInputs,
  type StoredTargets,
  takeFirst,
  type Targets,
} from "./data_set.ts";
export { decodeImage, type DecodeImageOptions } from "./decode_image.ts";
export { type EdgeList, edgeList, type EdgeListOptions } from "./edge_list.ts";
export {
  type Graph,
  graphDataSet,
  type GraphDataSetOptions,
  type GraphInputs,
} from "./graph_data_set.ts";
export { readDataFile, readIdxFile } from "./files.ts";
export { gunzip, type GunzipOptions, isGzip } from "./gzip.ts";
export { type IdxArray, parseIdx } from "./idx.ts";
export { type IdxFiles, loadIdxDataSet } from "./idx_data_set.ts";
export { type ImageDataSet, imageDataSet, type ImageDataSetOptions } from "./image_data_set.ts";
export {
  greyImage,
  type Image,
  imageGrid,
  type ImageGridOptions,
  type ImageOptions,
  signedImage,
} from "./images.ts";
export type { NestedValues, TypedNumbers } from "./nested.ts";
export { type NpyArray, parseNpy } from "./npy.ts";
export { parseNpz } from "./npz.ts";
export type { InputValues, ShapedNumbers, TargetValues } from "./store_arrays.ts";
export { type OneHot, oneHotEncode, toCategorical } from "./one_hot.ts";
export { encodePng, writePng } from "./png.ts";
export {
  fitStandardisation,
  type Standardisable,
  type Standardisation,
  standardise,
} from "./standardise.ts";
export { type Fold, kFold, type KFoldOptions } from "./k_fold.ts";
export { type SplitOptions, trainValidationSplit } from "./split.ts";
export { subset } from "./subset.ts";
export {
  type StreamedArray,
  type StreamedArrays,
  streamedDataSet,
  type StreamedFor,
  type StreamedOptions,
} from "./streamed_data_set.ts";
export { timeSeriesDataSet, type TimeSeriesOptions } from "./time_series_data_set.ts";
export type { EncodedStrings, Strings } from "./encode_rows.ts";
export {
  type HashedValues,
  type Hashing,
  hashing,
  type HashingMode,
  type HashingOptions,
} from "./hashing.ts";
export { type StringLookup, stringLookup, type StringLookupOptions } from "./string_lookup.ts";
export type {
  CategoricalColumn,
  FeatureColumn,
  FittedCategoricalColumn,
  FittedColumn,
  FittedNumericColumn,
  NumericColumn,
} from "./table_columns.ts";
export {
  type TableEncoder,
  tableEncoder,
  type TableEncoderOptions,
  type TargetColumn,
} from "./table_encoder.ts";
export {
  type MelSpectrogram,
  melSpectrogram,
  type MelSpectrogramOptions,
  type SoundWindow,
} from "./mel_spectrogram.ts";
export { powerSpectrum } from "./fourier.ts";
export { parseWav, type Sound } from "./wav.ts";
export { splitTable, takeRows } from "./table_split.ts";
export {
  type TextStandardization,
  type TextVectorization,
  textVectorization,
  type TextVectorizationOptions,
} from "./text_vectorization.ts";
