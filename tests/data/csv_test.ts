import assert from "node:assert/strict";
import fc from "fast-check";
import { DataError } from "../../core/graph/errors.ts";
import { csvDataSet, type CsvDataSetOptions, type CsvOptions, parseCsv } from "../../data/mod.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** What may be wrong with a text, what the message must say and where it must point. */
const faults: [string, string | Uint8Array, RegExp, { row?: number; column?: string }?][] = [
  ["empty", "", /it is empty/],
  ["blank", " \n\n", /it is empty/],
  ["a byte-order mark alone", "\ufeff", /it is empty/],
  ["a header alone", "a,b\n", /a header and no rows/],
  ["a header and blank rows", "a,b\r\n\r\n", /a header and no rows/],
  ["a short row", "a,b\n1,2\n3\n", /must have 2 cells: received 1 in row 3/, { row: 3 }],
  ["a long row", "a,b\n1,2,3\n", /must have 2 cells: received 3 in row 2/, { row: 2 }],
  ["a short row behind a blank one", "a,b\n1,2\n\n3\n", /received 1 in row 4/, { row: 4 }],
  ["an unclosed quote", 'a,b\n1,2\n3,"4\n5,6\n', /row 3 .*not closed/, { row: 3 }],
  ["a quote inside a cell", 'a,b\n1,2"3\n', /row 2 cannot be parsed/, { row: 2 }],
  ["text behind a quote", 'a,b\n1,"2"3\n', /row 2 cannot be parsed/, { row: 2 }],
  ["a cell of 10 MB", `a\n1\n${"9".repeat(10_000_000)}`, /row 3 .*longer than 1 MiB/, { row: 3 }],
  ["bad UTF-8", Uint8Array.of(0x61, 0x0a, 0xff), /not UTF-8/],
  ["UTF-16", Uint8Array.of(0xff, 0xfe, 0x61, 0), /not UTF-8/],
  ["a column without a name", "a,,c\n1,2,3\n", /column 2 has none/],
  ["a duplicate name", "a,b,a\n1,2,3\n", /"a" for columns 1 and 3/, { column: "a" }],
  ["a duplicate name but for blanks", "a, a\n1,2\n", /"a" for columns 1 and 2/],
  ["no header", "1,2\n3,4\n", /first row must name the columns/],
  ...[
    "",
    " ",
    "NA",
    "NaN",
    "nan",
    "inf",
    "Infinity",
    "-inf",
    "1e400",
    "0x10",
    "1,5",
    "1_000",
    "--1",
    "1e",
    ".",
    "true",
    "12abc",
    "٣",
  ]
    .map((cell): [string, string, RegExp, { row: number; column: string }] => [
      `the cell ${JSON.stringify(cell)}`,
      `a,b\n1,2\n3,"${cell}"\n`,
      /finite decimal number: received ".*" in row 3, column "b"/,
      { row: 3, column: "b" },
    ]),
];

for (const [name, source, message, place] of faults) {
  Deno.test(`parseCsv refuses: ${name}`, () => {
    assert.throws(() => parseCsv(source, { file: "x.csv" }), (error) => {
      assert(error instanceof DataError, String(error));
      assert.match(error.message, message);
      assert(error.message.startsWith('Cannot read "x.csv" as '));
      assert.equal(error.file, "x.csv");
      if (place?.row !== undefined) assert.equal(error.row, place.row);
      if (place?.column !== undefined) assert.equal(error.column, place.column);
      return true;
    });
  });
}

function columns(source: string | Uint8Array, options?: CsvOptions): Record<string, unknown[]> {
  return Object.fromEntries([...parseCsv(source, options).columns].map(([name, cells]) => [
    name,
    [...cells],
  ]));
}

Deno.test("parseCsv reads the ways there are to write a table", () => {
  const expected = { a: [1, -3], b: [2.5, 400] };
  const ways = [
    "a,b\n1,2.5\n-3,4e2\n",
    "a,b\n1,2.5\n-3,4e2",
    "\ufeffa,b\r\n1,2.5\r\n-3,4e2\r\n",
    "a,b\r\n1,2.5\n-3,4e2\r\n",
    '"a","b"\n"1","2.5"\n\n"-3","4E+2"\n\n',
    " a , b \n +1, 2.5 \n-3.0,\t400.\n",
    "\na,b\n1,2.5\n-3,400\n",
  ];
  for (const way of ways) {
    assert.deepEqual(columns(way), expected);
    assert.deepEqual(columns(bytes(way)), expected);
  }
  assert.deepEqual(columns("a;b\n1;2.5\n-3;400", { delimiter: ";" }), expected);
  assert.deepEqual(columns("1,.5\n2,3\n", { header: false }), {
    column_1: [1, 2],
    column_2: [.5, 3],
  });
});

Deno.test("parseCsv keeps text columns as they are", () => {
  const source = 'kind,size\n"a ""b"",\r\nc",1\nNA,2\n,3\n';
  assert.deepEqual(columns(source, { text: ["kind"] }), {
    kind: ['a "b",\r\nc', "NA", ""],
    size: [1, 2, 3],
  });
  assert.throws(
    () => parseCsv(source, { text: ["sort"] }),
    /no column "sort": .*\["kind","size"\]/,
  );
});

Deno.test("parseCsv treats __proto__ as any other name", () => {
  const { columns, rows } = parseCsv("__proto__,constructor\n1,2\n");
  assert.deepEqual([...columns.keys()], ["__proto__", "constructor"]);
  assert.deepEqual([rows, ...columns.get("__proto__")!], [1, 1]);
});

Deno.test("parseCsv reads back any finite numbers", () => {
  const number = fc.double({ noNaN: true, noDefaultInfinity: true });
  const rows = fc.array(fc.tuple(number, number), { minLength: 1, maxLength: 20 });
  fc.assert(fc.property(rows, fc.constantFrom("\n", "\r\n", "\r"), (values, newline) => {
    const show = (value: number): string => Object.is(value, -0) ? "-0" : String(value);
    const lines = ["a,b", ...values.map((row) => row.map(show).join())];
    const { a, b } = columns(lines.join(newline));
    assert.deepEqual(a.map((value, i) => [value, b[i]]), values);
  }));
});

const flowers = "width,length,kind,grade\n1,2,iris,0\n3,4,rose,2\n5,6,iris,1\n";

Deno.test("csvDataSet takes text targets for classes, in order of first appearance", () => {
  const table = parseCsv(flowers, { text: ["kind"], file: "flowers.csv" });
  assert.deepEqual(csvDataSet(table, { target: "kind" }), {
    x: { data: Float32Array.of(1, 2, 0, 3, 4, 2, 5, 6, 1), shape: [3, 3] },
    y: { data: Int32Array.of(0, 1, 0), shape: [3] },
    classes: 2,
    name: "flowers.csv",
  });
  assert.equal(csvDataSet(table, { target: "kind", classes: 5 }).classes, 5);
});

Deno.test("csvDataSet takes numeric targets for values, or for classes if told so", () => {
  const table = parseCsv(flowers, { text: ["kind"] });
  const values = csvDataSet(table, { target: "grade", features: ["length"] });
  assert.deepEqual(values.x, { data: Float32Array.of(2, 4, 6), shape: [3, 1] });
  assert.deepEqual(values.y, { data: Float32Array.of(0, 2, 1), shape: [3, 1] });
  const classes = csvDataSet(table, { target: "grade", classes: 3 });
  assert.deepEqual(classes.y, { data: Uint8Array.of(0, 2, 1), shape: [3] });
});

Deno.test("csvDataSet says what it cannot use", () => {
  const table = parseCsv(flowers, { text: ["kind"], file: "flowers.csv" });
  const wrong: [CsvDataSetOptions, RegExp][] = [
    [{ target: "colour" }, /"flowers.csv".* no column "colour".*"width","length","kind","grade"/],
    [{ target: "grade", features: ["depth"] }, /no column "depth"/],
    [{ target: "grade", features: ["kind"] }, /column "kind" holds text: use tableEncoder/],
    [{ target: "grade", features: [] }, /no column of numbers beside the target "grade"/],
    [{ target: "grade", classes: 2 }, /"flowers.csv".* 0 to 1: received 2 at index 1/],
    [{ target: "kind", classes: 1 }, /2 categories: received 1 classes/],
  ];
  for (const [options, message] of wrong) {
    assert.throws(() => csvDataSet(table, options), (error) => {
      assert(error instanceof DataError, String(error));
      assert.match(error.message, message);
      assert.equal(error.file, "flowers.csv");
      return true;
    });
  }
  assert.throws(() => csvDataSet(parseCsv("a,b\n1e39,1\n"), { target: "b" }), /received 1e\+39/);
});
