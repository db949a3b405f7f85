import assert from "node:assert/strict";
import { concat, from, lastValueFrom, of, tap, throwError, toArray } from "rxjs";
import { NonFiniteError } from "../../../../core/graph/errors.ts";
import type { Epoch } from "../../../../core/stream/epoch.ts";
import { stopOnNaN } from "../../../../core/stream/operators/mod.ts";
import { captureErrors, fakeEpoch, FakeRun, fakeStep } from "../fake_epoch.ts";

Deno.test("stopOnNaN turns a NonFiniteError into a quiet end, and says where it was", async () => {
  const cases: [NonFiniteError, string][] = [
    [
      new NonFiniteError("loss is NaN at step 7, first in dense_1", 7, "dense_1"),
      "stopOnNaN: loss is NaN at step 7, first in dense_1; training was stopped",
    ],
    [
      new NonFiniteError("loss is NaN", 7, "dense_1"),
      "stopOnNaN: loss is NaN, at step 7, first in dense_1; training was stopped",
    ],
    [
      new NonFiniteError("loss is NaN", 7),
      "stopOnNaN: loss is NaN, at step 7; training was stopped",
    ],
  ];
  for (const [error, message] of cases) {
    for (const event of [fakeStep(1), fakeEpoch(1)]) {
      const failing = concat(of(event), throwError(() => error));
      const said = await captureErrors(async () => {
        const seen = await lastValueFrom(failing.pipe(stopOnNaN(), toArray()));
        assert.deepEqual(seen, [event]);
      });
      assert.deepEqual(said, [message]);
      assert.equal(event.run.reason, "error");
    }
  }
});

Deno.test("stopOnNaN ends before the first event too", async () => {
  const failing = throwError(() => new NonFiniteError("loss is NaN", 1));
  const said = await captureErrors(async () => {
    assert.deepEqual(await lastValueFrom(failing.pipe(stopOnNaN<Epoch>(), toArray())), []);
  });
  assert.equal(said.length, 1);
});

Deno.test("stopOnNaN passes the first epoch with a loss that is not finite, and ends", async () => {
  for (
    const [name, value] of [["loss", NaN], ["val_loss", Infinity], ["loss", -Infinity]] as const
  ) {
    const run = new FakeRun();
    const bad = fakeEpoch(2, { loss: 1, val_loss: 1, accuracy: NaN, [name]: value }, run);
    const epochs = [fakeEpoch(1, { loss: 1, accuracy: NaN }, run), bad, fakeEpoch(3, {}, run)];
    const reasons: unknown[] = [];
    const said = await captureErrors(async () => {
      const training = from(epochs).pipe(stopOnNaN(), tap(() => reasons.push(run.reason)));
      assert.equal(await lastValueFrom(training), bad);
    });
    assert.deepEqual(reasons, [undefined, "error"]);
    assert.deepEqual(said, [
      `stopOnNaN: ${name} is ${value} after epoch 2, at step 20; training was stopped`,
    ]);
  }
});

Deno.test("stopOnNaN passes other errors", async () => {
  const failing = throwError(() => new RangeError("something else"));
  await assert.rejects(lastValueFrom(failing.pipe(stopOnNaN<Epoch>())), /something else/);
});

Deno.test("stopOnNaN lets those below finish before it leaves its source", async () => {
  const order: string[] = [];
  await captureErrors(() => {
    concat(of(fakeEpoch(1)), throwError(() => new NonFiniteError("loss is NaN", 2))).pipe(
      tap({ finalize: () => order.push("source is torn down") }),
      stopOnNaN(),
    ).subscribe({ complete: () => order.push("complete") });
  });
  assert.deepEqual(order, ["complete", "source is torn down"]);
});
