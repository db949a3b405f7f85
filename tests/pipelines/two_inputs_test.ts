// A picture and a table in one network, one of them often missing.
import assert from "node:assert/strict";
import { mnist } from "../../data/mnist.ts";
import { takeFirst } from "../../data/mod.ts";
import { halfDigits, measurements, withMissing } from "../../pipelines/half_digits.ts";
import { only, succeed } from "./run_pipeline.ts";

Deno.test("each network is trained, and judged by what it is given", async () => {
  const lines = await succeed("two_inputs", [
    ..."--device cpu --threads 1 --limit 3000 --epochs 3".split(" "),
  ]);
  assert.deepEqual(only(lines, "start").map(({ model }) => model), [
    "joined",
    "never_missed",
    "picture_alone",
    "table_alone",
  ]);
  assert.equal(only(lines, "epoch").length, 12);
  const right = Object.fromEntries(
    only(lines, "result").map(({ model, given, accuracy }) => [`${model}, ${given}`, accuracy]),
  ) as Record<string, number>;
  const all = ["both", "picture", "table", "one_often_missing"];
  assert.deepEqual(Object.keys(right), [
    ...all.map((given) => `joined, ${given}`),
    ...all.map((given) => `never_missed, ${given}`),
    "picture_alone, picture",
    "table_alone, table",
  ]);
  // Two halves say more than one, and who has missed one before does better without it.
  for (const half of ["picture", "table"]) {
    assert.ok(right["joined, both"] > right[`joined, ${half}`] + 0.05, JSON.stringify(right));
    assert.ok(right["joined, both"] > right[`${half}_alone, ${half}`] + 0.03);
  }
  assert.ok(right["joined, one_often_missing"] > right["never_missed, one_often_missing"]);
  assert.ok(right["joined, both"] > 0.85);
});

Deno.test("a digit is seen above and measured below, and rows that miss something say so", () => {
  const digits = takeFirst(mnist.train, 1000);
  const whole = halfDigits(digits);
  const { picture, table, present } = whole.x;
  assert.deepEqual(picture.shape, [1000, 14, 28, 1]);
  assert.deepEqual(table.shape, [1000, measurements.length]);
  assert.ok(present.data.every((value) => value === 1));
  const ink = measurements.indexOf("ink");
  for (const n of [0, 7, 999]) {
    const pixels = Array.from(digits.x.data.slice(n * 784, (n + 1) * 784));
    assert.deepEqual([...picture.data.slice(n * 392, (n + 1) * 392)], pixels.slice(0, 392));
    const below = pixels.slice(392).reduce((sum, value) => sum + value / 255, 0);
    assert.ok(Math.abs(table.data[n * measurements.length + ink] - below) < 1e-4);
  }
  const { x } = withMissing(whole, { picture: 0.2, table: 0.3 }, 42);
  const lacks = (place: number) =>
    Array.from({ length: 1000 }, (_, n) => n)
      .filter((n) => x.present.data[2 * n + place] === 0);
  const [pictures, tables] = [lacks(0), lacks(1)];
  assert.ok(Math.abs(pictures.length - 200) < 60 && Math.abs(tables.length - 300) < 70);
  assert.equal(pictures.filter((n) => tables.includes(n)).length, 0);
  for (const n of pictures) {
    assert.ok(x.picture.data.slice(n * 392, n * 392 + 392).every((v) => !v));
  }
  const columns = measurements.length;
  for (const n of tables) {
    assert.ok(x.table.data.slice(n * columns, (n + 1) * columns).every((value) => value === 0));
  }
  assert.ok(picture.data.some((value) => value > 0), "the whole data are as they were");
});
