import assert from "node:assert/strict";
import {
  costComplaints as complaintsOf,
  type CostPoint,
  costPoints,
  type CostTime,
  formatSeries,
  overtaking,
  work,
} from "./cost_growth.ts";

const points = costPoints().filter(({ series }) => series === "batch");

/** Times of the batch series on a device; `time` gives microseconds. */
function times(
  device: string,
  time: (point: CostPoint) => number,
  series: readonly CostPoint[] = points,
): CostTime[] {
  return series.map((point) => ({
    point,
    device,
    microseconds: time(point),
    firstStepMilliseconds: 1,
    firstLoss: 2,
    lastLoss: 1,
  }));
}

function costComplaints(given: readonly CostTime[]): string[] {
  return complaintsOf(given).map(({ text }) => text);
}

Deno.test("the series double from end to end, and a trial cuts them", () => {
  const values = (series: string) =>
    costPoints().filter((point) => point.series === series).map(({ value }) => value);
  assert.deepEqual(values("width"), [32, 64, 128, 256, 512, 1024, 2048]);
  assert.deepEqual(values("depth"), [2, 4, 8, 16, 32, 64]);
  assert.deepEqual([values("batch")[0], values("batch").at(-1)], [1, 4096]);
  assert.ok(costPoints(64).every(({ value }) => value <= 64));
  const depth = costPoints().find(({ series, value }) => series === "depth" && value === 8)!;
  assert.deepEqual([depth.width, depth.depth, depth.batch], [64, 8, 32]);
});

Deno.test("work is that of the products and of the update", () => {
  // 256·64 + 64·64 + 64·10 weights; the first layer's gradient of its input is not computed.
  const [first, others] = [16384, 4096 + 640];
  assert.equal(work(points[0]), 2 * (2 * first + 3 * others) + 6 * (first + others));
});

Deno.test("proportional growth and a fixed cost are in order", () => {
  assert.deepEqual(costComplaints(times("cpu-1", ({ batch }) => 20 + 3 * batch)), []);
  assert.deepEqual(costComplaints(times("cpu-1", (point) => work(point) / 1000)), []);
  assert.deepEqual(costComplaints(times("cpu-1", () => 100)), []);
});

Deno.test("a cliff, quadratic growth and a thread that costs are complained of", () => {
  const cliff = times("cpu-1", ({ batch }) => (batch >= 512 ? 9 : 3) * batch + 10);
  assert.deepEqual(costComplaints(cliff).map((text) => text.split(":")[0]), [
    "batch 256 to 512 on cpu-1",
  ]);
  const quadratic = costComplaints(times("cpu-1", ({ batch }) => batch * batch));
  assert.ok(quadratic.length >= 9, quadratic.join("\n"));
  const [{ suspects }] = complaintsOf(cliff);
  assert.deepEqual(suspects.map(({ point }) => point.batch), [256, 512]);
  const threads = [...times("cpu-1", () => 100), ...times("cpu-2", () => 140)];
  assert.equal(costComplaints(threads).length, points.length);
  assert.match(costComplaints(threads)[0], /^batch 1: two threads take 1\.40 times/);
  const few = [...times("cpu-1", () => 4), ...times("cpu-2", () => 6)];
  assert.deepEqual(costComplaints(few), []);
});

Deno.test("a plan that takes more than its share of layers is complained of", () => {
  const depths = costPoints().filter(({ series }) => series === "depth");
  const plans = (time: (depth: number) => number) =>
    times("cpu-1", () => 100, depths)
      .map((one) => ({ ...one, firstStepMilliseconds: time(one.point.depth) }));
  assert.deepEqual(costComplaints(plans((depth) => 2 * depth)), []);
  assert.deepEqual(costComplaints(plans((depth) => depth * depth / 60)), [
    "depth 32 to 64 on cpu-1: 4.00 times the first step, expected at most 2.00 times",
  ]);
});

Deno.test("no learning and a loss that is not finite are complained of", () => {
  const [first, second, ...rest] = times("cpu-1", () => 100);
  const bad = [{ ...first, lastLoss: 2 }, { ...second, lastLoss: NaN }, ...rest];
  assert.deepEqual(costComplaints(bad), [
    "batch 1 on cpu-1 does not learn",
    "batch 2 on cpu-1: the loss is NaN",
  ]);
});

Deno.test("the point where the GPU overtakes is named, or that there is none", () => {
  const cpu = [
    ...times("cpu-1", ({ batch }) => 4 * batch),
    ...times("cpu-2", ({ batch }) => 2 * batch),
  ];
  assert.deepEqual(overtaking(cpu), []);
  const fast = overtaking([...cpu, ...times("webgpu", () => 200)]);
  assert.deepEqual(fast, ["webgpu overtakes the CPU at batch 128"]);
  const slow = overtaking([...cpu, ...times("webgpu", ({ batch }) => 50 * batch)]);
  assert.deepEqual(slow, ["webgpu does not overtake the CPU up to batch 4096"]);
});

Deno.test("a series is a table with a row for each value, and says what was left out", () => {
  const gpu = times("webgpu", () => 9).slice(0, 2);
  const text = formatSeries([...times("cpu-1", ({ batch }) => 2 * batch), ...gpu]);
  const lines = text.split("\n");
  assert.equal(lines.length, points.length + 1);
  assert.match(lines[2], /^2 +1\.\d\d +4\.00 +2\.00 +1\.00 +9\.00 +1\.00 +1\.00$/);
  assert.match(lines.at(-1)!, /^4096 .* –$/);
});
