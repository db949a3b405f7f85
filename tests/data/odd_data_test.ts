/** Data sets written by hand, and what is given in their place: refused, rather than misread. */
import assert from "node:assert/strict";
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

Deno.test("predict says what inputs are", async () => {
  for (const [given, said] of [[[[1], [2]], "an array"], [null, "null"], [7, "7"]] as const) {
    const message = `inputs are numbers with their shape.*received ${said} \\(arrays\\(x, y\\)\\.x`;
    await assert.rejects(predict(model(), given as Any, cpu), refused(new RegExp(message)));
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
