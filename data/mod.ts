/** Data sets: from arrays, IDX files, CSV and MNIST, and what is done to them before training. */

export { arrays, type ArraysOptions } from "./arrays.ts";
export { type CsvOptions, type CsvTable, parseCsv } from "./csv.ts";
export { csvDataSet, type CsvDataSetOptions } from "./csv_data_set.ts";
export {
  type DataSet,
  sampleCount,
  type StoredInputs,
  type StoredTargets,
  takeFirst,
} from "./data_set.ts";
export { readDataFile, readIdxFile } from "./files.ts";
export { gunzip, type GunzipOptions, isGzip } from "./gzip.ts";
export { type IdxArray, parseIdx } from "./idx.ts";
export { type IdxFiles, loadIdxDataSet } from "./idx_data_set.ts";
export type { NestedValues } from "./nested.ts";
export { type OneHot, oneHotEncode, toCategorical } from "./one_hot.ts";
export { fitStandardisation, type Standardisation, standardise } from "./standardise.ts";
export { type SplitOptions, trainValidationSplit } from "./split.ts";
