import assert from "node:assert/strict";
import { of } from "rxjs";
import {
  choice,
  float,
  gridSearch,
  type GridSearchOptions,
  integer,
  search,
  type Space,
  when,
} from "../../../core/search/mod.ts";
import { all } from "./helpers.ts";

async function combinations(space: Space, options?: GridSearchOptions) {
  const trials = await all(search(space, () => of({ epoch: 1, logs: { loss: 1 } }), {
    trials: Infinity,
    monitor: "loss",
    sampler: gridSearch(options),
  }));
  return trials.map(({ parameters }) => parameters);
}

Deno.test("a grid has every combination once, the last dimension fastest", async () => {
  assert.deepEqual(await combinations({ a: choice("x", "y"), b: integer(1, 3) }), [
    ...[1, 2, 3].map((b) => ({ a: "x", b })),
    ...[1, 2, 3].map((b) => ({ a: "y", b })),
  ]);
});

Deno.test("a dimension that is not there adds no combination", async () => {
  const space = {
    optimizer: choice("sgd", "adam"),
    momentum: when({ optimizer: "sgd" }, float(0, 0.9, { step: 0.3 })),
    units: choice(8, 16),
  };
  assert.deepEqual(await combinations(space), [
    ...[0, 0.3, 0.6, 0.9].flatMap((momentum) =>
      [8, 16].map((units) => ({ optimizer: "sgd", momentum, units }))
    ),
    { optimizer: "adam", units: 8 },
    { optimizer: "adam", units: 16 },
  ]);
});

Deno.test("points are spread with both ends among them", async () => {
  const rates = { rate: float(1e-3, 1, { log: true }), width: float(1, 3) };
  assert.deepEqual(
    (await combinations(rates, { points: { rate: 4, width: 3 } })).map(({ rate, width }) => [
      rate,
      width,
    ]),
    [1e-3, 1e-2, 1e-1, 1].flatMap((rate) => [1, 2, 3].map((width) => [rate, width])),
  );
  const one = await combinations({ a: float(0, 1), b: integer(1, 9) }, { points: 1 });
  assert.deepEqual(one, [1, 2, 3, 4, 5, 6, 7, 8, 9].map((b) => ({ a: 0.5, b })));
  const few = await combinations({ units: integer(8, 128, { log: true }) }, {
    points: { units: 5 },
  });
  assert.deepEqual(few.map(({ units }) => units), [8, 16, 32, 64, 128]);
  const same = await combinations({ units: integer(1, 2) }, { points: { units: 5 } });
  assert.deepEqual(same.map(({ units }) => units), [1, 2]);
});

Deno.test("a grid without steps or points is refused, before anything runs", () => {
  const start = (space: Space, options?: GridSearchOptions) => () =>
    search(space, () => of(), { trials: 9, monitor: "loss", sampler: gridSearch(options) });
  assert.throws(start({ rate: float(0, 1) }), /"rate" has no steps: .* points: { rate: 5 }/);
  assert.throws(
    start({ rate: float(0, 1), kind: choice("a") }, { points: { kind: 2 } }),
    /points must name numbers of the space \(rate\): received "kind"/,
  );
  assert.throws(start({ rate: float(0, 1) }, { points: 0 }), /the points of "rate".*received 0/);
});
