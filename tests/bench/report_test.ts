import assert from "node:assert/strict";
import type { Measurement } from "./peer.ts";
import { formatRows, makeRows } from "./report.ts";
import { median, summarise } from "./statistics.ts";
import { operationsPerStep, selectWorkloads } from "./workloads.ts";

const [small, convolutional] = selectWorkloads(["small", "convolutional"]);

function measurement(peer: string, given: Partial<Measurement> = {}): Measurement {
  return {
    peer,
    version: "1",
    network: "small",
    threads: 1,
    medianMicrosecondsPerStep: 100,
    fastestMicrosecondsPerStep: 90,
    slowestMicrosecondsPerStep: 110,
    stepsPerSecond: 10_000,
    steps: 600,
    coldStartMilliseconds: 300,
    firstStepMilliseconds: 10,
    newSignatureMilliseconds: 5,
    firstLoss: 2.3,
    lastLoss: 0.33,
    ...given,
  };
}

function complaints(given: Partial<Measurement>, workload = small): (string | null)[] {
  const measurements = [measurement("a"), measurement("b"), measurement("c", given)];
  return makeRows(workload, measurements, "a").map((row) => row.complaint);
}

Deno.test("median takes the middle of odd and even counts and refuses none", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.throws(() => median([]), RangeError);
  assert.deepEqual(summarise([2, 4, 3]), { median: 3, lowest: 2, highest: 4, spread: 2 / 3 });
});

Deno.test("rows take the median over rounds and compare with the named peer", () => {
  const rows = makeRows(small, [
    measurement("slow", { medianMicrosecondsPerStep: 300 }),
    measurement("fast", { medianMicrosecondsPerStep: 50 }),
    measurement("slow", { medianMicrosecondsPerStep: 100 }),
  ], "fast");
  assert.deepEqual(rows.map((row) => [row.peer, row.microseconds.median, row.ratio]), [
    ["slow", 200, 4],
    ["fast", 50, 1],
  ]);
});

Deno.test("the fastest windows of all rounds are compared too", () => {
  const rows = makeRows(small, [
    measurement("slow", { fastestMicrosecondsPerStep: 80 }),
    measurement("fast", { fastestMicrosecondsPerStep: 40 }),
    measurement("slow", { fastestMicrosecondsPerStep: 60 }),
    measurement("fast", { fastestMicrosecondsPerStep: 50 }),
  ], "fast");
  assert.deepEqual(rows.map(({ best, bestRatio }) => [best, bestRatio]), [[60, 1.5], [40, 1]]);
  assert.match(formatRows(rows, "fast"), /best µs +÷ best[^]*60\.0 +1\.50/);
});

Deno.test("equal losses raise no complaint", () => {
  assert.deepEqual(complaints({}), [null, null, null]);
});

Deno.test("another start, another end, no learning and NaN are complained of", () => {
  assert.match(complaints({ firstLoss: 2.4 })[2]!, /first value/);
  assert.match(complaints({ lastLoss: 0.4 })[2]!, /last loss/);
  assert.match(complaints({ lastLoss: 2.29 })[2]!, /does not learn/);
  assert.match(complaints({ lastLoss: NaN })[2]!, /does not learn/);
  assert.match(complaints({ firstLoss: NaN })[2]!, /first value/);
});

Deno.test("a peer that was stopped early has to learn, but not as much as the others", () => {
  assert.deepEqual(complaints({ steps: 400, lastLoss: 0.45 }), [null, null, null]);
  assert.match(complaints({ steps: 400, lastLoss: 2.2 })[2]!, /does not learn/);
  assert.deepEqual(complaints({ steps: 20, lastLoss: 2.1 }), [null, null, null]);
  assert.match(complaints({ steps: 20, lastLoss: 2.295 })[2]!, /2.295 in 20 steps/);
});

Deno.test("dropout lets first losses differ by a few percent, and no more", () => {
  assert.deepEqual(complaints({ firstLoss: 2.35 }, convolutional), [null, null, null]);
  assert.match(complaints({ firstLoss: 2.35 })[2]!, /first value/);
  assert.match(complaints({ firstLoss: 2.5 }, convolutional)[2]!, /first value/);
});

Deno.test("a peer that is not given a workload has a line that says why", () => {
  const rows = makeRows(small, [measurement("a")], "a");
  const text = formatRows(rows, "a", [{ network: "small", peer: "b", reason: "it is slow" }]);
  assert.equal(text.split("\n").at(-1), "- b is left out: it is slow");
});

Deno.test("workloads are found by name and by group, and unknown names are refused", () => {
  assert.equal(selectWorkloads(["inference"]).length, 2);
  assert.equal(selectWorkloads(["products"]).length, 5);
  assert.deepEqual(selectWorkloads(["large", "small"]).map(({ name }) => name), ["large", "small"]);
  assert.throws(() => selectWorkloads(["tiny"]), /Unknown network "tiny": expected one of/);
});

Deno.test("operations of the small network are 3.2 million a step", () => {
  // Forward 2·32·(784·30 + 30·30 + 30·10); backward twice that, less the gradient of the input.
  const forward = 2 * 32 * 24_720;
  assert.equal(operationsPerStep(small), 3 * forward - 2 * 32 * 784 * 30);
});

Deno.test("operations of the convolutional network are 1.8 thousand million a step", () => {
  const first = 2 * 26 * 26 * 9 * 32;
  const forward = first + 2 * 11 * 11 * 9 * 32 * 64 + 2 * 1600 * 10;
  assert.equal(operationsPerStep(convolutional), 128 * (3 * forward - first));
});
