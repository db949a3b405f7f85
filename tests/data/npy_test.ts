/** Arrays that NumPy has saved (tests/golden/golden_npy.py), and files that are none. */
import assert from "node:assert/strict";
import { strToU8, zipSync } from "fflate";
import {
  arrays,
  DataError,
  dense,
  input,
  parseNpy,
  parseNpz,
  predict,
  sampleCount,
  sequential,
} from "../../mod.ts";

const golden = (name: string) => Deno.readFile(new URL(`../golden/${name}.npz`, import.meta.url));

const numbers = Array.from({ length: 24 }, (_, place) => place * 5);
const signed = numbers.map((number) => number - 60);
const floats = signed.map((number) => number / 8);

/** A file of one array, as NumPy writes it. */
function npy(header: string, data: number[], version = 1): Uint8Array<ArrayBuffer> {
  const text = [...header, "\n"].map((sign) => sign.charCodeAt(0));
  const length = [text.length & 255, text.length >> 8, ...version === 1 ? [] : [0, 0]];
  return Uint8Array.from(
    [0x93, ..."NUMPY"].map((sign) => typeof sign === "number" ? sign : sign.charCodeAt(0)).concat([
      version,
      0,
      ...length,
      ...text,
      ...data,
    ]),
  );
}

Deno.test("arrays of every type of NumPy's are read", async () => {
  const read = await parseNpz(await golden("numpy"));
  const expected: Record<string, [numbers: number[], type: unknown]> = {
    ...Object.fromEntries(["u1"].map((name) => [name, [numbers, Uint8Array]])),
    ...Object.fromEntries(
      ["u2", "u4", "u8", "u2_big"].map((name) => [name, [numbers, Int32Array]]),
    ),
    ...Object.fromEntries(
      ["i1", "i2", "i4", "i8", "i4_big", "i8_big"].map((name) => [name, [signed, Int32Array]]),
    ),
    ...Object.fromEntries(
      ["f2", "f4", "f8", "f2_big", "f4_big", "f8_big", "fortran"].map((
        name,
      ) => [name, [floats, Float32Array]]),
    ),
    b1: [numbers.map((number) => number % 2), Uint8Array],
    line: [numbers, Uint8Array],
    single: [[2.5], Float32Array],
    empty: [[], Float32Array],
  };
  const shapes: Record<string, number[]> = { line: [24], single: [], empty: [0, 3] };
  assert.deepEqual(Object.keys(read).sort(), Object.keys(expected).sort());
  for (const [name, [values, type]] of Object.entries(expected)) {
    assert.deepEqual([...read[name].data], values, name);
    assert.deepEqual(read[name].shape, shapes[name] ?? [2, 3, 4], name);
    assert.equal(read[name].data.constructor, type, name);
  }
});

Deno.test("a compressed archive is a data set, and inputs to predict from", async () => {
  const { x, y } = await parseNpz(await golden("numpy_compressed"));
  assert.deepEqual([...x.data], floats);
  const data = arrays(y, x);
  assert.equal(sampleCount(data), 2);
  assert.deepEqual([data.x.shape, data.y.shape], [[2, 3, 4], [2, 3, 4]]);
  const model = sequential([input([3, 4]), dense(1, { kernelInitializer: "ones" })]);
  const { data: sums } = await predict(model, x, { device: "cpu", threads: 1 });
  assert.equal(sums[0], floats.slice(0, 4).reduce((a, b) => a + b));
  const whole = await predict(model, y, { device: "cpu", threads: 1 });
  assert.equal(whole.data[5], signed.slice(20).reduce((a, b) => a + b));
});

Deno.test("targets of doubles with their shape are kept as floats", () => {
  const y = { data: Float64Array.of(1.5, 2.5), shape: [2, 1] };
  const data = arrays(y, y);
  assert.deepEqual(data.y.data, Float32Array.of(1.5, 2.5));
  assert.deepEqual(data.x.data, Float32Array.of(1.5, 2.5));
});

Deno.test("headers of later versions are read", () => {
  const header = "{'descr': '<i2', 'fortran_order': False, 'shape': (2,), }";
  for (const version of [1, 2, 3]) {
    const { shape, data } = parseNpy(npy(header, [1, 0, 255, 255], version));
    assert.deepEqual([...data], [1, -1]);
    assert.deepEqual(shape, [2]);
  }
  // A view into a larger file.
  const bytes = npy(header, [1, 0, 255, 255]);
  const around = new Uint8Array(bytes.length + 7);
  around.set(bytes, 3);
  assert.deepEqual([...parseNpy(around.subarray(3, 3 + bytes.length)).data], [1, -1]);
});

const header = "{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }";
const refused: Record<string, [bytes: Uint8Array, message: RegExp]> = {
  "an empty file": [new Uint8Array(), /"x.npy" as it is no array that NumPy has saved/],
  "a text": [strToU8("1,2,3 and some more"), /expected it to start with \\x93NUMPY/],
  "an archive": [
    zipSync({ x: Uint8Array.of(1) }),
    /archive of several arrays: read it by parseNpz/,
  ],
  "too few numbers": [npy(header, [1, 2]), /\[3\] with 1 bytes an element takes \d+ bytes/],
  "too many": [npy(header, [1, 2, 3, 4]), /get it again/],
  "half a header": [npy(header, []).subarray(0, 30), /ends within its header/],
  "half a length": [npy(header, [], 2).subarray(0, 11), /ends within its header/],
  "no shape": [npy("{'descr': '|u1', 'fortran_order': False, }", []), /has no shape/],
  "no type": [
    npy("{'fortran_order': False, 'shape': (1,), }", [1]),
    /numbers or truth.*received none/,
  ],
};

for (const [what, [bytes, message]] of Object.entries(refused)) {
  Deno.test(`a file that is no array is refused: ${what}`, () => {
    const error = { name: "DataError", message, file: "x.npy" };
    assert.throws(() => parseNpy(bytes, { file: "x.npy" }), error);
  });
}

Deno.test("arrays of anything but numbers of 32 bits are refused by their names", async () => {
  const file = await golden("numpy_refused");
  const { unzipSync } = await import("fflate");
  const parts = unzipSync(file);
  const messages: Record<string, RegExp> = {
    text: /must be numbers or truth values: received '<U1'/,
    complex: /received '<c8'/,
    pairs: /received \[/,
    large: /must fit into 32 bits: received 1099511627776 at index 1/,
    unsigned: /must fit into 32 bits: received 2147483648 at index 0/,
  };
  assert.deepEqual(Object.keys(parts).length, Object.keys(messages).length);
  for (const [name, message] of Object.entries(messages)) {
    assert.throws(() => parseNpy(parts[`${name}.npy`]), message);
  }
  await assert.rejects(parseNpz(file, { file: "data.npz" }), /"data.npz\/text.npy"/);
});

Deno.test("what is no archive is refused, and so is what is no file", async () => {
  for (const bytes of [new Uint8Array(), strToU8("no archive"), npy(header, [1, 2, 3])]) {
    await assert.rejects(
      parseNpz(bytes, { file: "x.npz" }),
      (error: Error) => error instanceof DataError && /"x.npz" as it must be/.test(error.message),
    );
  }
  const broken = zipSync({ "x.npy": npy(header, [1, 2, 3]) }).fill(7, 30, 60);
  await assert.rejects(parseNpz(broken), DataError);
  const path = "x.npy" as unknown as Uint8Array;
  assert.throws(() => parseNpy(path), /takes the bytes of a file: received "x.npy"/);
});
