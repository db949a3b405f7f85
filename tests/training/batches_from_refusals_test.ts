/** Batches that come while training goes on, and that do not fit. */
import assert from "node:assert/strict";
import { EMPTY, lastValueFrom, tap } from "rxjs";
import {
  accuracy,
  adam,
  arrays,
  backward,
  batchesFrom,
  DataError,
  type DataSet,
  dense,
  forward,
  input,
  loss,
  meanSquaredError,
  measure,
  NonFiniteError,
  sequential,
  sparseCategoricalCrossentropy,
  update,
} from "../../mod.ts";

const cpu = { device: "cpu", threads: 1 } as const;
const batch = (samples: number) =>
  arrays(
    Array.from({ length: samples }, (_, at) => [Math.sin(at), Math.cos(at)]),
    Array.from({ length: samples }, (_, at) => [at / 2]),
  );

const train = (batches: Iterable<DataSet>) =>
  batchesFrom(batches, cpu).pipe(
    forward(sequential([input([2]), dense(1)])),
    loss(meanSquaredError()),
    backward(),
    update(adam()),
  );

Deno.test("what gives no batches is refused, at once or as a function has given it", async () => {
  for (const wrong of [null, undefined, 5, "batches"]) {
    const message = /^TypeError: Cannot make batches as batchesFrom takes .*: received /;
    assert.throws(() => train(wrong as unknown as []), message);
    const given = train((() => wrong) as unknown as []);
    await assert.rejects(lastValueFrom(given), message);
  }
});

Deno.test("a batch that does not fit where the first one was is refused", async () => {
  const { x, y } = batch(4);
  const bytes = { data: new Uint8Array(8), shape: [4, 2] };
  const refused: [DataSet, RegExp][] = [
    [batch(5), /batch of step 2 as it must have from 1 to 4 samples.*received 5/],
    [
      arrays([[1], [2]], [[1], [2]]),
      /the inputs of a sample must have the shape \[2\]: received \[1\]/,
    ],
    [
      arrays([[1, 2]], [[1, 2]]),
      /the targets of a sample must have the shape \[1\]: received \[2\]/,
    ],
    [{ x: bytes, y }, /its inputs must be a Float32Array: received Uint8Array/],
    [{ x: { ...x, scale: 2 }, y }, /scale and offset of its inputs/],
    [{ x, y, sampleWeight: new Float32Array(4) }, /all batches or none must have a sampleWeight/],
    [
      { x: { a: x } as never, y },
      /its inputs must be those of the first, one without a name: received a/,
    ],
    [{ x, y: {} as never }, /its targets must be those of the first, one without.*: received none/],
    [{ x, y, read: () => {} }, /must hold its samples: received a streamed data set/],
    [{ x: { ...x, data: x.data.slice(1) }, y }, /shape \[4, 2\] is that of 8 numbers: received 7/],
  ];
  for (const [wrong, message] of refused) {
    const run = lastValueFrom(train([batch(4), wrong]));
    await assert.rejects(run, (error) => {
      assert(error instanceof DataError, `${error}`);
      assert.match(error.message, message);
      return true;
    });
  }
  for (const none of [undefined, [[1]]]) {
    await assert.rejects(
      lastValueFrom(train([batch(4), none as never])),
      /a data set has inputs x and targets y: received/,
    );
  }
  assert.throws(() => batchesFrom(3 as never), /observable or an async generator.*received/);
  assert.throws(() => batchesFrom([], { stepsPerEpoch: 0 }), RangeError);
  await lastValueFrom(batchesFrom(EMPTY, cpu), { defaultValue: undefined });
});

Deno.test("a class that outputs have no place for is refused in whatever batch it comes", async () => {
  const classes = (...ids: number[]) => ({
    x: { data: Float32Array.from(ids.flatMap((id) => [id, 1])), shape: [ids.length, 2] },
    y: { data: Int32Array.from(ids), shape: [ids.length] },
  });
  const run = batchesFrom([classes(0, 1), classes(1, 1), classes(0, 7)], cpu).pipe(
    forward(sequential([input([2]), dense(2)])),
    loss(sparseCategoricalCrossentropy({ fromLogits: true })),
    backward(),
    update(adam()),
    measure(accuracy()),
  );
  const steps: number[] = [];
  await assert.rejects(lastValueFrom(run.pipe(tap(({ step }) => steps.push(step)))), /7/);
  assert.deepEqual(steps, [1, 2]);
});

Deno.test("a loss that is NaN ends the run before the next batch is asked for", async () => {
  let asked = 0;
  const spoilt = function* () {
    for (const value of [1, NaN, 2, 3]) {
      asked++;
      // By hand, as arrays refuses what is not finite.
      const x = { data: Float32Array.of(value, 1), shape: [1, 2] };
      yield { x, y: { data: Float32Array.of(1), shape: [1, 1] } };
    }
  };
  const model = sequential([input([2]), dense(1)], { seed: 1 });
  const run = batchesFrom(spoilt, cpu).pipe(
    forward(model),
    loss(meanSquaredError()),
    backward(),
    update(adam()),
  );
  await assert.rejects(lastValueFrom(run), (error) => {
    assert(error instanceof NonFiniteError, `${error}`);
    assert.deepEqual([error.step, error.layer], [2, "dense_1"]);
    return true;
  });
  assert.equal(asked, 2);
  assert(model.parameters[0].value.every(Number.isFinite));
});
