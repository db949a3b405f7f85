/** Wrong files and wrong data: each ends in words that say what was given and what to do. */
import {
  type Any,
  cpu,
  data,
  loss,
  m,
  model,
  refuseUses,
  rows,
  train,
  type Use,
} from "./wrong_uses.ts";

const empty = {
  x: { data: new Float32Array(), shape: [0, 2] },
  y: { data: new Float32Array(), shape: [0, 1] },
};
const table = () => m.parseCsv("a,b\n1,2\n3,4\n");
const reader = {
  samples: 4,
  x: { shape: [2], type: "float32" },
  y: { shape: [1], type: "float32" },
};

const files: readonly Use[] = [
  [
    "csvLog without a path",
    () => m.csvLog(),
    "TypeError",
    /the path of csvLog .*: received undefined/,
  ],
  [
    "csvLog to a URL",
    () => m.csvLog(new URL("file:///a")),
    "TypeError",
    /a text that names a file/,
  ],
  [
    "checkpoint without a path",
    () => m.checkpoint(),
    "TypeError",
    /the path of checkpoint as it must/,
  ],
  [
    "a number for a folder",
    () => m.tensorBoard(5),
    "TypeError",
    /the path of tensorBoard .*received 5/,
  ],
  [
    "weights to nowhere",
    () => m.saveWeights(model()),
    "TypeError",
    /path of a file to write .* undefined/,
  ],
  [
    "weights from nowhere",
    () => m.loadWeights(model()),
    "TypeError",
    /path of a file to read .* undefin/,
  ],
  [
    "saveWeights the wrong way round",
    (at) => m.saveWeights(at, model()),
    "TypeError",
    /takes a model/,
  ],
  [
    "loadWeights the wrong way round",
    (at) => m.loadWeights(at, model()),
    "TypeError",
    /takes a model/,
  ],
  ["resume by a number", () => train({ resume: 5 }), "TypeError", /must be a text .*: received 5/],
  [
    "resume from a folder",
    (at) => train({ resume: at }),
    "DataError",
    /as it is a folder: name a file in it/,
  ],
  [
    "below a file",
    (at) => m.readDataFile(`${at}/empty/a`),
    "DataError",
    /there is no such file: check its/,
  ],
  [
    "an empty file of weights",
    (at) => m.loadWeights(model(), `${at}/empty`),
    "DataError",
    /it is empty/,
  ],
  [
    "no safetensors",
    (at) => m.loadWeights(model(), `${at}/text`),
    "DataError",
    /is it a safetensors file/,
  ],
  [
    "an empty CSV file",
    async (at) => m.parseCsv(await m.readDataFile(`${at}/empty`)),
    "DataError",
    /empty/,
  ],
  [
    "the name of a CSV file",
    () => m.parseCsv("data.csv"),
    "DataError",
    /is data.csv a file\? parseCsv takes/,
  ],
  [
    "no CSV at all",
    () => m.parseCsv(),
    "DataError",
    /must be text, or bytes.* \(Deno.readTextFile and/,
  ],
  [
    "another separator",
    () => m.parseCsv("a;b\n1;2"),
    "DataError",
    /where ";" separates cells, set delim/,
  ],
  [
    "no target",
    () => m.csvDataSet(table()),
    "DataError",
    /target must name .*: received undefined, name one/,
  ],
  [
    "another target",
    () => m.csvDataSet(table(), { target: "c" }),
    "DataError",
    /its columns are \["a","b"\]/,
  ],
];

const dataSets: readonly Use[] = [
  [
    "no data",
    () => train({}, null),
    "DataError",
    /received object \(make one of arrays: arrays\(x, y\)\)/,
  ],
  ["plain arrays", () => train({}, rows), "DataError", /received an array \(make one of arrays/],
  ["empty data", () => train({}, empty), "RangeError", /at least one sample: received 0/],
  [
    "empty validation",
    () => train({ validation: empty }),
    "DataError",
    /received 0 \(leave validation out/,
  ],
  [
    "evaluation of nothing",
    () => m.evaluate(model(), empty, { ...cpu, loss }),
    "DataError",
    /at least one/,
  ],
  [
    "a split by nothing",
    () => m.trainValidationSplit(data),
    "RangeError",
    /above 0 and below 1: received un/,
  ],
  [
    "a table split by nothing",
    () => m.splitTable(table()),
    "RangeError",
    /above 0 and below 1: received und/,
  ],
  [
    "NaN among inputs",
    () => m.arrays([[1], [NaN]], [1, 2]),
    "DataError",
    /at sample 1, .* received NaN/,
  ],
  [
    "NaN on the device",
    () =>
      train(
        {},
        m.streamedDataSet({
          ...reader,
          read: (_: Any, { x }: Any) => x.data.fill(NaN),
        }),
      ),
    "DataError",
    /the inputs of sample \d .* must be finite: received NaN/,
  ],
  [
    "a stream of nothing",
    () => m.streamedDataSet(),
    "DataError",
    /samples must be .*: received undefined/,
  ],
  [
    "a stream of no shape",
    () => m.streamedDataSet({ ...reader, x: { type: "float32" }, read() {} }),
    "DataError",
    /the shape of x must be that of a sample, as \[784\], or \[\] for one .* undefined/,
  ],
  [
    "a stream's own arrays",
    () => m.predict(model(), m.streamedDataSet({ ...reader, read() {} }).x, cpu),
    "DataError",
    /holds none: give the data set itself/,
  ],
];

refuseUses("wrong uses of files", files);
refuseUses("wrong data", dataSets);
