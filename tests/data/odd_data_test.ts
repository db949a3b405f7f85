/** Data sets written by hand, and what is given in their place: refused, rather than misread. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { lastValueFrom } from "rxjs";
import { DataError } from "../../core/graph/errors.ts";
import {
  type AnyDataSet,
  arrays,
  dense,
  evaluate,
  fit,
  input,
  meanSquaredError,
  predict,
  sampleCount,
  sequential,
  sgd,
  streamedDataSet,
  subset,
  toCategorical,
} from "../../mod.ts";

// What a program in JavaScript may give.
// deno-lint-ignore no-explicit-any
type Any = any;

const cpu = { device: "cpu", threads: 1 } as const;
const loss = meanSquaredError();
const model = () => sequential([input([1]), dense(1)], { seed: 1 });
const column = (data: Any) => ({ data, shape: [data.length, 1] });
const floats = (count: number) => Float32Array.from({ length: count }, (_, at) => Math.sin(at));
const train = (dataSet: Any) =>
  lastValueFrom(fit(model(), dataSet, { ...cpu, loss, optimizer: sgd() }));

const refused = (message: RegExp) => (error: unknown) => {
  assert(error instanceof DataError, String(error));
  assert.match(error.message, message);
  return true;
};

Deno.test("a data set by hand needs a target for each sample: none is read from beyond the end", async () => {
  for (const [inputs, targets] of [[4, 3], [3, 4]]) {
    const dataSet: AnyDataSet = { x: column(floats(inputs)), y: column(floats(targets)) };
    const counts = refused(
      new RegExp(`received ${inputs} of the inputs, ${targets} of the targets`),
    );
    assert.throws(() => sampleCount(dataSet), counts);
    assert.throws(() => fit(model(), dataSet as Any, { ...cpu, loss, optimizer: sgd() }), counts);
    await assert.rejects(evaluate(model(), dataSet as Any, { ...cpu, loss }), counts);
  }
});

const others = [
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Uint32Array,
  Float64Array,
] as const;

for (const Type of others) {
  Deno.test(`a ${Type.name} in a data set by hand is refused, as its bytes would be misread`, async () => {
    const [x, y] = [floats(4), floats(4)];
    const strange = Type.of(1, 2, 3, 4);
    const message = refused(new RegExp(`data must be a .*Float32Array: received ${Type.name} `));
    await assert.rejects(train({ x: column(strange), y: column(y) }), message);
    await assert.rejects(train({ x: column(x), y: column(strange) }), message);
    const weighted = train({ ...arrays(x, y), sampleWeight: strange });
    const weights = new RegExp(`weights must be a Float32Array: received ${Type.name} `);
    await assert.rejects(weighted, refused(weights));
  });
}

Deno.test("a plain array where numbers belong with their shape is refused", async () => {
  const shaped = refused(/must be numbers with their shape, \{ data, shape \}: received Array/);
  await assert.rejects(async () => await train({ x: [[1], [2]], y: column(floats(2)) }), shaped);
  await assert.rejects(
    async () => await train({ x: column([1, 2]), y: column(floats(2)) }),
    shaped,
  );
});

Deno.test("evaluate needs a sample", async () => {
  const none = { data: new Float32Array(), shape: [0, 1] };
  await assert.rejects(
    evaluate(model(), { x: none, y: none }, { ...cpu, loss }),
    refused(/at least one sample: received 0/),
  );
});

Deno.test("predict takes what arrays takes, and says what else it is given", async () => {
  const pair = sequential([input([2]), dense(1, { kernelInitializer: "ones" })]);
  const taken = [
    [[1, 2], [3, 4]],
    [Float32Array.of(1, 2), [3, 4]],
    Float32Array.of(1, 2, 3, 4),
    Float64Array.of(1, 2, 3, 4),
    Uint8Array.of(1, 2, 3, 4),
    { data: Uint8Array.of(2, 4, 6, 8), shape: [2, 2], scale: 0.5 },
  ];
  for (const inputs of taken) {
    const { data, shape } = await predict(pair, inputs as Any, cpu);
    assert.deepEqual([[...data], shape], [[3, 7], [2, 1]]);
  }
  const strange = [
    [[[1, 2], [3]], /Cannot predict as x must be full arrays .* at sample 1, received 1 values/],
    [[], /Cannot predict as x holds no numbers/],
    [{}, /Cannot predict as x holds no array/],
    [Float32Array.of(1, 2, 3), /x must hold whole samples: received 3 .* of shape \[2\]/],
    [Float32Array.of(1, NaN), /x must hold finite float32 numbers: received NaN at sample 0/],
    [[["a", 1]], /received "a" \(oneHotEncode/],
    [null, /x must be arrays of numbers.*: received null/],
    [7, /x must be arrays of numbers.*: received 7/],
  ] as const;
  for (const [inputs, message] of strange) {
    await assert.rejects(predict(pair, inputs as Any, cpu), refused(message));
  }
  const streamed = streamedDataSet({
    samples: 3,
    x: { shape: [1], type: "float32" },
    y: { shape: [1], type: "float32" },
    read() {},
  });
  await assert.rejects(
    predict(model(), streamed.x, cpu),
    refused(/Cannot load the prediction inputs/),
  );
});

const whole = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
] as const;

for (const Type of whole) {
  Deno.test(`arrays takes a ${Type.name} as inputs and as class ids`, () => {
    const { x, y } = arrays(Type.of(7, 1, 0, 100), Type.of(3, 0));
    assert.deepEqual([...x.data], [7, 1, 0, 100]);
    assert.deepEqual([x.shape, y.shape], [[2, 2], [2]]);
    assert.deepEqual([...y.data], [3, 0]);
    assert(x.data instanceof (Type === Uint8Array ? Uint8Array : Float32Array));
    assert(y.data instanceof (/Uint8/.test(Type.name) ? Uint8Array : Int32Array));
    assert.throws(() => arrays([1, 2], Type.of(0, 3), { classes: 3 }), /received 3 at index 1/);
  });
}

Deno.test("arrays takes a Buffer of Node's for the bytes that it is", () => {
  // From the middle of a larger one, as Node reads small files.
  const bytes = Buffer.from([9, 9, 3, 0, 1, 2]).subarray(2);
  const stored = { data: bytes as Uint8Array, shape: [4] };
  for (const targets of [bytes as Uint8Array, stored]) {
    const data = arrays(bytes as Uint8Array, targets);
    assert.deepEqual([data.x.shape, data.y.shape], [[4, 1], [4]]);
    for (const { data: own } of [data.x, data.y]) {
      assert.equal(own.constructor, Uint8Array);
      assert.deepEqual([...own], [3, 0, 1, 2]);
    }
    assert.deepEqual([...subset(data, [2, 0]).y.data], [1, 3]);
  }
});

Deno.test("arrays refuses class ids that int32 cannot hold", () => {
  assert.throws(
    () => arrays([1], Uint32Array.of(2 ** 31)),
    refused(/received 2147483648 at index 0/),
  );
  assert.throws(() => arrays([1], Int16Array.of(-1)), refused(/received -1 at index 0/));
});

Deno.test("arrays takes rows that are typed arrays", () => {
  const { x, y } = arrays(
    [Float32Array.of(1, 2), Float64Array.of(3, 4)],
    [[Uint8Array.of(1)], [Uint8Array.of(2)]],
  );
  assert.deepEqual(x, { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] });
  assert.deepEqual(y, { data: Float32Array.of(1, 2), shape: [2, 1, 1] });
  const uneven = [Float32Array.of(1, 2), Float32Array.of(3)];
  assert.throws(() => arrays(uneven, [1, 2]), refused(/2 values.*at sample 1, received 1 values/));
});

Deno.test("arrays takes numbers with their shape: rows of toCategorical, what predict gives", async () => {
  const { x, y } = arrays(
    await predict(model(), column(floats(3)), cpu),
    toCategorical([0, 2, 1]),
    { classes: 3 },
  );
  assert.deepEqual([x.shape, y.shape], [[3, 1], [3, 3]]);
  assert.deepEqual([...y.data], [1, 0, 0, 0, 0, 1, 0, 1, 0]);
  const named = arrays({ a: column(floats(2)), b: [[1], [2]] }, { c: toCategorical([1, 0]) });
  assert.deepEqual([named.x.a.shape, named.y.c.shape], [[2, 1], [2, 2]]);
  const short = { data: floats(3), shape: [2, 2] };
  assert.throws(() => arrays(short, [1, 2]), refused(/received 3 for shape \[2, 2\]/));
  const wrong = { data: Float32Array.of(1, NaN), shape: [2, 1] };
  assert.throws(() => arrays(wrong, [1, 2]), refused(/received NaN at sample 1, position 0/));
});

Deno.test("arrays says what it takes, and who makes numbers of texts", () => {
  const cases: [x: Any, y: Any, message: RegExp][] = [
    [undefined, [1], /x must be arrays of numbers, .* by name: received undefined/],
    [[[1]], null, /y must be arrays of numbers, .* by name: received null/],
    [7, [1], /x must be .*received 7/],
    [new DataView(new ArrayBuffer(8)), [1], /received a DataView/],
    [BigInt64Array.of(1n), [1], /a BigInt64Array \(Int32Array\.from\(it, Number\) converts it\)/],
    [[1], BigUint64Array.of(1n), /a BigUint64Array/],
    [[1, 2], ["cat", "dog"], /received "cat" \(oneHotEncode, stringLookup and tableEncoder/],
  ];
  for (const [x, y, message] of cases) assert.throws(() => arrays(x, y), refused(message));
});

Deno.test("a streamed data set needs a reader and descriptions of its arrays", () => {
  const x = { shape: [1], type: "float32" };
  const make = (options: Any) => () => streamedDataSet(options);
  assert.throws(make({ samples: 3, x, y: x }), refused(/read must be a function.*undefined/));
  assert.throws(make({ samples: 3, x, read() {} }), refused(/y must say the shape and type/));
  for (const classes of [NaN, 2.5, "10", { kind: 0 }]) {
    assert.throws(make({ samples: 3, x, y: x, classes, read() {} }), /classes must be an integer/);
  }
});

Deno.test("weights of steps are refused, and what is to be done instead is said", () => {
  const sampleWeight = [[1, 0], [1, 1]] as never;
  assert.throws(
    () => arrays([[1, 2], [3, 4]], [[0, 1], [1, 0]], { sampleWeight }),
    /each sample needs one weight, a number: received rows .*ignoreClass: -1.*classWeight/,
  );
});
