// The pictures: what they are drawn from, and that they show what was learnt.
import assert from "node:assert/strict";
import { contour } from "../../pipelines/contour.ts";
import { Chart, ticksOf } from "../../pipelines/svg.ts";
import { only, runPipeline, succeed } from "./run_pipeline.ts";

const cpu = ["--device", "cpu", "--threads", "1"];

/** Runs it with files for the pictures; their texts and the lines. */
async function drawn(...options: string[]) {
  const folder = await Deno.makeTempDir();
  try {
    const files = { errors: `${folder}/errors.svg`, boundary: `${folder}/boundary.svg` };
    const lines = await succeed(
      "decision_boundary",
      [...cpu, ...options, "--errors", files.errors, "--boundary", files.boundary],
      ["--allow-read", "--allow-write"],
    );
    assert.deepEqual(
      only(lines, "picture").map(({ what, file }) => [what, file]),
      Object.entries(files),
    );
    return {
      lines,
      errors: await Deno.readTextFile(files.errors),
      boundary: await Deno.readTextFile(files.boundary),
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The points of the boundary in a picture, in pixels. */
function pointsOfBoundary(svg: string): [number, number][] {
  const path = svg.match(/<path d="(M[^"]*)" stroke="#222"/);
  assert(path, "no boundary");
  return [...path[1].matchAll(/[ML]([\d.-]+) ([\d.-]+)/g)].map(([, x, y]) => [+x, +y]);
}

/** How far points lie from the straight line that fits them best. */
function bend(points: readonly [number, number][]): number {
  const [cx, cy] = [0, 1].map((axis) =>
    points.reduce((sum, point) => sum + point[axis] / points.length, 0)
  );
  let [xx, xy, yy] = [0, 0, 0];
  for (const [x, y] of points) {
    xx += (x - cx) ** 2;
    xy += (x - cx) * (y - cy);
    yy += (y - cy) ** 2;
  }
  // The smaller eigenvalue of the points' covariance.
  return Math.sqrt(((xx + yy) / 2 - Math.hypot((xx - yy) / 2, xy)) / points.length);
}

Deno.test("decision_boundary: hidden layers bend the line around the moons", async () => {
  const [deep, straight] = [await drawn(), await drawn("--hidden", "0")];
  const accuracy = ({ lines }: typeof deep) =>
    Number(only(lines, "epoch").at(-1)!.val_binary_accuracy);
  assert(accuracy(deep) > 0.95, `${accuracy(deep)}`);
  assert(accuracy(straight) < 0.92, `${accuracy(straight)}`);
  // Numbers of a picture have two decimals; answers on a grid are interpolated.
  assert(bend(pointsOfBoundary(straight.boundary)) < 0.5, "a straight line");
  assert(bend(pointsOfBoundary(deep.boundary)) > 30, "a bent one");
  for (const svg of [deep.errors, deep.boundary]) {
    assert.match(svg, /^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" width="780" height="520"/);
    assert(svg.endsWith("</svg>\n"));
    assert.doesNotMatch(svg, /NaN|Infinity|undefined/);
  }
  assert.equal([...deep.boundary.matchAll(/<circle /g)].length, 1000);
  // Both curves have a point an epoch.
  const curves = [...deep.errors.matchAll(/<polyline points="([^"]*)"/g)];
  assert.deepEqual(curves.map(([, points]) => points.split(" ").length), [60, 60]);
});

Deno.test("decision_boundary: without files it needs no permission; with them it does", async () => {
  const short = [...cpu, "--epochs", "2", "--limit", "200", "--data", "weather"];
  const lines = await succeed("decision_boundary", short);
  assert.deepEqual(only(lines, "start")[0].samples, { train: 200, validation: 321 });
  assert.equal(only(lines, "picture").length, 0);
  const refused = await runPipeline("decision_boundary", [...short, "--errors", "errors.svg"]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /access|permission/i);
  const wrong = await runPipeline("decision_boundary", ["--data", "moon"]);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /did you mean moons\?/);
});

Deno.test("a contour of x² + y² is a circle, and of opposite corners two parts", () => {
  const along = Array.from({ length: 41 }, (_, at) => -2 + at / 10);
  const values = along.flatMap((y) => along.map((x) => x * x + y * y));
  const parts = contour(along, along, values, 1);
  assert(parts.length > 60);
  for (const [x, y] of parts.flat()) assert(Math.abs(Math.hypot(x, y) - 1) < 0.005, `${x} ${y}`);
  const length = parts.reduce((sum, [[a, b], [c, d]]) => sum + Math.hypot(a - c, b - d), 0);
  assert(Math.abs(length - 2 * Math.PI) < 0.03, `${length}`);
  assert.equal(contour([0, 1], [0, 1], [1, 0, 0, 1], 0.5).length, 2);
  assert.deepEqual(contour([0, 1], [0, 1], [1, 1, 1, 1], 0.5), []);
});

Deno.test("ticks are round numbers inside of the range", () => {
  assert.deepEqual(ticksOf([0, 1]), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(ticksOf([-1.2, 1.7]), [-1, 0, 1]);
  assert.deepEqual(ticksOf([1, 60]), [20, 40, 60]);
  assert.deepEqual(ticksOf([0, 0.35]), [0, 0.1, 0.2, 0.3]);
});

Deno.test("a picture's words may hold any sign", () => {
  const axis = { label: 'a < b & "c"', range: [0, 1] } as const;
  const svg = `${new Chart({ title: "<script>", x: axis, y: axis, legend: [] })}`;
  assert(svg.includes("&#60;script&#62;") && svg.includes("a &#60; b &#38; &#34;c&#34;"));
});
