/** Tables to data sets: columns against formulas in float64, and what training rows alone decide. */
import assert from "node:assert/strict";
import {
  arrays,
  binaryAccuracy,
  binaryCrossentropy,
  DataError,
  dense,
  evaluate,
  fit,
  input,
  loadWeights,
  parseCsv,
  predict,
  readWeightsMetadata,
  saveWeights,
  sequential,
  sgd,
  splitTable,
  tableEncoder,
  type TableEncoderOptions,
  takeRows,
  trainValidationSplit,
} from "../../mod.ts";
import { lastValueFrom } from "rxjs";
import { assertClose } from "../core/nn/close.ts";
import { mulberry32 } from "../core/ops/generator.ts";

const csv = `size,speed,kind,damage
1,10,owl,None
2,,goose,Minor
4,30,owl,None
9,NA,,Major
`;
const table = parseCsv(csv, { text: ["kind", "damage"], missing: ["", "NA"] });
const target = { column: "damage", type: "binary", negative: "None" } as const;
const numeric = { type: "numeric" } as const;

Deno.test("missing cells are NaN among numbers and empty among texts, and only where named", () => {
  assert.deepEqual([...table.columns.get("speed")!], [10, NaN, 30, NaN]);
  assert.deepEqual(table.columns.get("kind"), ["owl", "goose", "owl", ""]);
  assert.throws(
    () => parseCsv(csv, { text: ["kind", "damage"] }),
    /row 3, column "speed" .*missing/s,
  );
});

Deno.test("numbers are filled in and standardised as scikit-learn's imputer and scaler do", () => {
  const known = [10, 30];
  for (const [impute, fill] of [["mean", 20], ["median", 20], [5, 5]] as const) {
    const encoder = tableEncoder({ features: { speed: { ...numeric, impute } }, target }).adapt(
      table,
    );
    const filled = [known[0], fill, known[1], fill];
    const mean = filled.reduce((sum, v) => sum + v, 0) / 4;
    const std = Math.sqrt(filled.reduce((sum, v) => sum + (v - mean) ** 2, 0) / 4);
    const { x, y } = encoder.dataSet(table);
    assertClose(x.data, filled.flatMap((v, row) => [(v - mean) / std, row % 2]), 1e-6);
    assert.deepEqual([[...y.data], y.shape], [[0, 1, 0, 1], [4, 1]]);
    assert.deepEqual(encoder.featureNames(table), ["speed", "speed is missing"]);
  }
  const skewed = parseCsv("a,b\n1,0\n2,0\n9,0\n,0\n", { missing: [""] });
  for (const [impute, fill] of [["mean", 4], ["median", 2]] as const) {
    const { fitted } = tableEncoder({
      features: { a: { ...numeric, impute, indicator: false, standardise: false } },
      target: { column: "b", type: "numeric" },
    }).adapt(skewed).config;
    assert.deepEqual(fitted?.features.a, { fill, indicator: false, mean: 0, std: 1 });
  }
});

Deno.test("the training rows alone decide: what others hold changes nothing", () => {
  const features = { size: numeric, speed: numeric, kind: { type: "categorical" } } as const;
  const { train, validation } = splitTable(table, { validationSplit: 0.25 });
  const encoder = tableEncoder({ features, target }).adapt(train);
  const other = parseCsv(csv.replace("9,NA,,Major", "900,7000,penguin,Minor"), {
    text: ["kind", "damage"],
    missing: ["", "NA"],
  });
  const again = tableEncoder({ features, target }).adapt(takeRows(other, [0, 1, 2]));
  assert.deepEqual(again.config, encoder.config);
  // Nothing was seen of a missing kind, so that it is no column: 0 in all.
  const [size, speed, missing, ...kinds] = encoder.inputs(validation).data;
  assertClose([size, speed], [(9 - 7 / 3) / Math.sqrt(14 / 9), 0], 1e-6);
  assert.deepEqual([missing, ...kinds], [1, 0, 0]);
  assert.deepEqual(encoder.featureNames(validation).slice(3), ["kind=owl", "kind=goose"]);
});

Deno.test("rare categories share a column, which later unknown ones use too", () => {
  const birds = parseCsv("kind,y\nowl,1\nowl,2\ngull,3\ngull,4\nowl,5\nduck,6\n", {
    text: ["kind"],
  });
  const encoder = tableEncoder({
    features: { kind: { type: "categorical", maxCategories: 1 } },
    target: { column: "y", type: "numeric" },
  }).adapt(birds);
  const { x, y } = encoder.dataSet(birds);
  assert.deepEqual(encoder.featureNames(birds), ["kind: others", "kind=owl"]);
  assert.deepEqual([...x.data], [0, 1, 0, 1, 1, 0, 1, 0, 0, 1, 1, 0]);
  assert.deepEqual([[...y.data], y.shape], [[1, 2, 3, 4, 5, 6], [6, 1]]);
  assert.deepEqual([...encoder.inputs(parseCsv("kind\nrook\n", { text: ["kind"] })).data], [1, 0]);
});

Deno.test("the most frequent category can be left to the bias", () => {
  const birds = parseCsv("kind,y\nowl,1\nowl,2\ngull,3\ngull,4\nowl,5\nduck,6\n", {
    text: ["kind"],
  });
  const target = { column: "y", type: "numeric" } as const;
  const rows = (kind: { maxCategories?: number }) => {
    const features = { kind: { type: "categorical", dropFirst: true, ...kind } } as const;
    const encoder = tableEncoder({ features, target }).adapt(birds);
    return [encoder.featureNames(birds), [...encoder.inputs(birds).data]];
  };
  assert.deepEqual(rows({}), [["kind=gull", "kind=duck"], [0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1]]);
  assert.deepEqual(rows({ maxCategories: 2 }), [
    ["kind: others", "kind=gull"],
    [0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 1, 0],
  ]);
});

Deno.test("targets of classes are numbered by name, whatever the order of rows", () => {
  const options: TableEncoderOptions = {
    features: { size: numeric },
    target: { column: "damage", type: "categorical" },
  };
  const encoder = tableEncoder(options).adapt(takeRows(table, [3, 1, 0, 2]));
  const { y, classes } = encoder.dataSet(table);
  assert.deepEqual([[...y.data], y.shape, classes], [[2, 1, 2, 0], [4], 3]);
  const few = tableEncoder(options).adapt(takeRows(table, [0, 1]));
  assert.throws(() => few.dataSet(table), /one of \["Minor","None"\]: received "Major" at index 3/);
});

Deno.test("a table divides as its data set does", () => {
  const columns = parseCsv("a,b\n" + Array.from({ length: 50 }, (_, i) => `${i},${i}`).join("\n"));
  const split = { validationSplit: 0.3, shuffle: true, seed: 9 };
  const { train, validation } = splitTable(columns, split);
  const numbers = [...columns.columns.get("a")!] as number[];
  const sets = trainValidationSplit(arrays(numbers.map((a) => [a]), numbers), split);
  assert.deepEqual([...train.columns.get("a")!], [...sets.train.x.data]);
  assert.deepEqual([...validation.columns.get("b")!], [...sets.validation.y.data]);
  assert.throws(
    () => splitTable(columns, { validationSplit: 1 }),
    /above 0 and below 1: received 1/,
  );
  assert.throws(() => takeRows(columns, [50]), /numbers must be from 0 to 49: received 50/);
});

Deno.test("from CSV to a network, saved with what prepares its inputs, and back", async () => {
  const random = mulberry32(3);
  const rows = Array.from({ length: 300 }, () => {
    const [size, owl, known] = [100 + 20 * random(), random() < 0.5, random() < 0.8];
    const damage = size + (owl ? 12 : -12) > 110;
    return `${known ? size.toFixed(2) : ""},${owl ? "owl" : "gull"},${damage ? "yes" : "no"}`;
  });
  const all = parseCsv(`size,kind,damage\n${rows.join("\n")}`, {
    text: ["kind", "damage"],
    missing: [""],
  });
  const { train, validation } = splitTable(all, { validationSplit: 0.2, shuffle: true });
  const encoder = tableEncoder({
    features: { size: numeric, kind: { type: "categorical" } },
    target: { column: "damage", type: "binary", positive: "yes" },
  }).adapt(train);
  const { length } = encoder.featureNames(train);
  const network = () => sequential([input([length]), dense(1, { activation: "sigmoid" })]);
  const cpu = { device: "cpu", threads: 1 } as const;
  const model = network();
  const judged = { loss: binaryCrossentropy(), metrics: [binaryAccuracy()], ...cpu };
  const optimizer = sgd({ learningRate: 0.5 });
  await lastValueFrom(fit(model, encoder.dataSet(train), { ...judged, optimizer, epochs: 30 }));
  const held = await evaluate(model, encoder.dataSet(validation), judged);
  // Where the size is missing, the kind is right nine times in ten.
  assert(held.binary_accuracy > 0.9, `${held.binary_accuracy}`);

  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/damage.safetensors`;
    await saveWeights(model, path, { metadata: { table: JSON.stringify(encoder.config) } });
    const metadata = await readWeightsMetadata(path);
    const again = tableEncoder(JSON.parse(metadata.table));
    const other = network();
    await loadWeights(other, path);
    const unseen = parseCsv("kind,size\nowl,\nparrot,119\n", { text: ["kind"], missing: [""] });
    assert.deepEqual(
      (await predict(other, again.inputs(unseen), cpu)).data,
      (await predict(model, encoder.inputs(unseen), cpu)).data,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("descriptions that are none are refused, also those of a file", () => {
  const good = tableEncoder({ features: { size: numeric }, target }).adapt(table).config;
  // deno-lint-ignore no-explicit-any
  const changed = (change: (config: any) => void) => {
    const config = JSON.parse(JSON.stringify(good));
    change(config);
    return () => tableEncoder(config);
  };
  const refused: [() => unknown, RegExp][] = [
    [changed((c) => c.features = {}), /features must describe a column or more/],
    [changed((c) => c.features.size.type = "number"), /numeric or categorical: received "number"/],
    [changed((c) => c.features.size.impute = "mode"), /impute of "size" .* received "mode"/],
    [changed((c) => c.features.size.indicator = 1), /true or false: received 1/],
    [
      changed((c) => c.features.size = { type: "categorical", maxCategories: 0 }),
      /maxCategories of "size" .* received 0/,
    ],
    [
      changed((c) => c.features.size = { type: "categorical", dropFirst: "yes" }),
      /dropFirst of "size" must be true or false/,
    ],
    [changed((c) => c.features.damage = numeric), /target must not be among the features/],
    [changed((c) => delete c.target.negative), /either positive or negative: received \[\]/],
    [changed((c) => c.target.negative = []), /must be a cell, or a list of them/],
    [changed((c) => c.target.type = "text"), /numeric, categorical or binary/],
    [changed((c) => c.target.column = 3), /target must name its column/],
    [changed((c) => c.fitted = 3), /fitted must be what adapt has found/],
    [changed((c) => c.fitted.features = {}), /adapt has found of "size": received undefined/],
    [changed((c) => c.fitted.features.size.std = 0), /adapt has found of "size"/],
    [
      changed((c) => c.target = { column: "damage", type: "categorical" }),
      /name the classes of the target/,
    ],
  ];
  for (const [make, message] of refused) {
    assert.throws(
      make,
      (error: Error) => error instanceof RangeError && message.test(error.message),
    );
  }
});

Deno.test("tables that do not fit their description are refused with the column", () => {
  const encode = (features: TableEncoderOptions["features"], t = table) => () =>
    tableEncoder({ features, target }).adapt(t);
  const refused: [() => unknown, RegExp][] = [
    [encode({ weight: numeric }), /no column "weight": its columns are \["size"/],
    [encode({ kind: numeric }), /"kind" is described as numeric and holds text/],
    [
      encode({ speed: numeric }, takeRows(table, [1, 3])),
      /column "speed" .* all of its 2 numbers are missing/,
    ],
    [
      () => tableEncoder({ features: { size: numeric }, target }).inputs(table),
      /nothing has been learnt from training rows/,
    ],
    [
      () =>
        tableEncoder({ features: { size: numeric }, target: { column: "speed", type: "numeric" } })
          .adapt(table).dataSet(table),
      /needs its target: "speed" is missing in row 1/,
    ],
    [
      () =>
        tableEncoder({
          features: { size: numeric },
          target: { column: "kind", type: "categorical" },
        })
          .adapt(table),
      /"kind" is missing in row 3/,
    ],
  ];
  for (const [use, message] of refused) {
    assert.throws(use, (error: Error) => error instanceof DataError && message.test(error.message));
  }
});
