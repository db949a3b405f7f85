/**
 * What a classifier has learnt, as two pictures: its error epoch by epoch, and the line in the plane
 * where it changes its mind.
 *
 *     deno run pipelines/decision_boundary.ts
 *     deno run --allow-read --allow-write pipelines/decision_boundary.ts --errors errors.svg \
 *       --boundary boundary.svg
 *
 * A network of two inputs can be looked at: ask it about every point of a grid, colour the grid by
 * its answers, and draw where they pass one half. The data are two moons that hold each other (made
 * by a formula, so synthetic), or, with --data weather, real ones: was a day in Seattle sunny or
 * rainy, given its lowest and highest temperature? Without hidden layers, --hidden 0, the line is
 * straight.
 */
import days from "vega-datasets/data/seattle-weather.csv" with { type: "bytes" };
import { lastValueFrom } from "rxjs";
import {
  arrays,
  binaryAccuracy,
  binaryCrossentropy,
  type DataSet,
  dense,
  fit,
  foldKey,
  history,
  input,
  type Model,
  normalization,
  parseCsv,
  predict,
  RandomStream,
  sequential,
  tableEncoder,
  takeFirst,
  takeRows,
  trainValidationSplit,
} from "../mod.ts";
import { commandLine, file, oneOf, wholeNumbers } from "./command_line.ts";
import { failed, fitBy, print } from "./reporting.ts";
import { checkTraining } from "./resuming.ts";
import { contour } from "./contour.ts";
import { blend, Chart, type Range } from "./svg.ts";
import { commonRecipe, trainingOptions } from "./training_options.ts";

const options = commandLine(
  `
Trains a classifier of two inputs and draws its error and its decision boundary; metrics go to
stdout as JSON lines.

  deno run pipelines/decision_boundary.ts --data weather
  deno run --allow-read --allow-write pipelines/decision_boundary.ts --boundary boundary.svg`,
  {
    "data": {
      value: "NAME",
      help: "moons (synthetic) or weather (real)",
      default: "moons",
      parse: oneOf("moons", "weather"),
    },
    "hidden": {
      value: "N,N",
      help: "units of the hidden layers; 0 for none",
      default: "16,16",
      parse: (text) => text === "0" ? [] : wholeNumbers(text),
    },
    ...trainingOptions(
      { ...commonRecipe, epochs: 60, learningRate: 0.01 },
      { samples: "points", least: 2 },
    ),
    "errors": { value: "FILE", help: "draw the errors there, as SVG", parse: file },
    "boundary": { value: "FILE", help: "draw the decision boundary there, as SVG", parse: file },
  },
);

interface Points {
  readonly data: DataSet;
  readonly axes: readonly [string, string];
  readonly classes: readonly [string, string];
}

/** Two half circles of 500 points each, the second turned and moved into the first, with noise. */
function moons(seed: number): Points {
  const random = new RandomStream(foldKey(seed, "moons"));
  const noise = () => 0.2 * random.normal();
  const points = Array.from({ length: 1000 }, (_, i) => {
    const [angle, second] = [Math.PI * (i >> 1) / 499, i % 2];
    const [x, y] = second ? [1 - Math.cos(angle), 0.5 - Math.sin(angle)] : [
      Math.cos(angle),
      Math.sin(angle),
    ];
    return [x + noise(), y + noise()];
  });
  const data = arrays(points, points.map((_, i) => [i % 2]), { name: "two moons, synthetic" });
  return { data, axes: ["x", "y"], classes: ["upper moon", "lower moon"] };
}

/** The days of sun and of rain, by their temperatures. */
function weather(): Points {
  const table = parseCsv(days, { file: "seattle-weather.csv", text: ["date", "weather"] });
  const kinds = table.columns.get("weather") as readonly string[];
  const chosen = kinds.flatMap((kind, row) => kind === "sun" || kind === "rain" ? [row] : []);
  const asItIs = { type: "numeric", standardise: false } as const;
  const rows = takeRows(table, chosen);
  const { x, y } = tableEncoder({
    features: { temp_min: asItIs, temp_max: asItIs },
    target: { column: "weather", type: "binary", positive: "sun" },
  }).adapt(rows).dataSet(rows);
  return {
    data: { x, y, name: "Seattle's weather, 2012 to 2015" },
    axes: ["lowest temperature, °C", "highest temperature, °C"],
    classes: ["rain", "sun"],
  };
}

const colours = ["#1f5fa8", "#d9691a"] as const;
const grounds = [[150, 190, 232], [255, 255, 255], [250, 196, 150]] as const;

/** The smallest and the largest number, and some room. */
function rangeOf(values: readonly number[], room: number): Range {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return [low - room * (high - low), high + room * (high - low)];
}

/** The network's answers all over the plane, where they pass one half, and the points. */
async function drawBoundary(model: Model, { data, axes, classes }: Points): Promise<Chart> {
  const [first, second] = [0, 1].map((axis) =>
    Array.from(data.x.data).filter((_, place) => place % 2 === axis)
  );
  const [x, y] = [rangeOf(first, 0.08), rangeOf(second, 0.08)];
  const chart = new Chart({
    title: `Decision boundary: ${data.name}`,
    x: { label: axes[0], range: x },
    y: { label: axes[1], range: y },
    legend: [
      { name: classes[0], colour: colours[0] },
      { name: classes[1], colour: colours[1] },
      { name: "one half", colour: "#222" },
    ],
  });
  const cells = 80;
  const along = ([low, high]: Range) =>
    Array.from({ length: cells + 1 }, (_, at) => low + (high - low) * at / cells);
  const [xs, ys] = [along(x), along(y)];
  const grid = Float32Array.from(ys.flatMap((b) => xs.flatMap((a) => [a, b])));
  const { data: answers } = await predict(
    model,
    { data: grid, shape: [grid.length / 2, 2] },
    { device: options.device, threads: options.threads },
  );
  for (let row = 0; row < cells; row++) {
    for (let column = 0; column < cells; column++) {
      const at = row * (cells + 1) + column;
      const answer = (answers[at] + answers[at + 1] + answers[at + cells + 1] +
        answers[at + cells + 2]) / 4;
      const colour = answer < 0.5
        ? blend([grounds[0], grounds[1]], 2 * answer)
        : blend([grounds[1], grounds[2]], 2 * answer - 1);
      chart.rectangle([xs[column], xs[column + 1]], [ys[row], ys[row + 1]], colour);
    }
  }
  data.y.data.forEach((kind, i) =>
    chart.point(data.x.data[2 * i], data.x.data[2 * i + 1], colours[kind])
  );
  return chart.segments(contour(xs, ys, answers, 0.5), "#222", 2.5);
}

/** The loss by epoch, in training and on the points held out. */
function drawErrors(logs: Readonly<Record<string, number[]>>, name = ""): Chart {
  const curves = [
    { key: "loss", name: "training", colour: colours[0] },
    { key: "val_loss", name: "validation", colour: colours[1] },
  ];
  const all = curves.flatMap(({ key }) => logs[key]);
  const count = logs.loss.length;
  const chart = new Chart({
    title: `Error by epoch: ${name}`,
    x: { label: "epoch", range: [Math.min(1, count - 1), count] },
    y: { label: "binary cross-entropy, nats", range: [0, Math.max(...all) * 1.05] },
    legend: curves,
  });
  for (const { key, colour } of curves) {
    chart.line(logs[key].map((value, at) => [at + 1, value]), colour);
  }
  return chart;
}

async function draw(what: string, chart: () => Promise<Chart> | Chart, path?: string) {
  if (path === undefined) return;
  await (await chart()).write(path);
  print("picture", { what, file: path });
}

try {
  checkTraining(options);
  const points = options.data === "moons" ? moons(options.seed) : weather();
  const parts = trainValidationSplit(points.data, {
    validationSplit: 0.25,
    shuffle: true,
    seed: options.seed,
  });
  const limit = Math.min(options.limit ?? Infinity, parts.train.x.shape[0]);
  const train = takeFirst(parts.train, limit);
  const model = sequential([
    input([2]),
    // Part of the model, so that the grid is asked about in degrees.
    normalization().adapt(train.x),
    ...options.hidden.map((units) => dense(units, { activation: "tanh" })),
    dense(1, { activation: "sigmoid" }),
  ], { seed: options.seed });
  const training = fit(model, train, {
    loss: binaryCrossentropy(),
    metrics: [binaryAccuracy()],
    validation: parts.validation,
    ...await fitBy(options, train, { free: ["errors", "boundary"] }),
  });
  const { epoch, history: logs } = await lastValueFrom(training.pipe(history()));
  if (epoch.length > 0) {
    await draw("errors", () => drawErrors(logs, points.data.name), options.errors);
    await draw("boundary", () => drawBoundary(model, points), options.boundary);
  }
} catch (error) {
  Deno.exitCode = failed(error);
}
