/**
 * Linear regression on four years of Seattle's weather: how warm does the day get?
 *
 *     deno run pipelines/weather.ts
 *
 * The highest temperature is predicted from the lowest, wind, rain, season and kind of weather. For a
 * linear network with squared errors the best weights are known without training: they solve the
 * normal equations XᵀX w = Xᵀy. So gradient descent has a truth to arrive at, and does. Then one
 * hidden layer is trained on the same days, and all are asked about the year that none has seen: it
 * knows its own days better, and the new ones no better than the line (errors of 2.65 to 2.69 degrees
 * over five seeds, 2.66 for least squares, 7.43 for the mean). 1,096 days hold no more than that.
 */
import days from "vega-datasets/data/seattle-weather.csv" with { type: "bytes" };
import { filter, lastValueFrom } from "rxjs";
import {
  adam,
  type CsvTable,
  type DataSet,
  dense,
  evaluate,
  fit,
  input,
  jsonLines,
  meanAbsoluteErrorMetric,
  meanSquaredError,
  type Model,
  type Optimizer,
  parseCsv,
  rootMeanSquaredError,
  sequential,
  sgd,
  splitTable,
  tableEncoder,
  takeRows,
} from "../mod.ts";
import { commandLine, wholeNumber } from "./command_line.ts";
import { endOnSignal, print } from "./reporting.ts";
import { leastSquares } from "./least_squares.ts";
import { failed, runOptions } from "./training_options.ts";

const options = commandLine(
  `
Predicts the highest temperature of Seattle's days; metrics go to stdout as JSON lines.

  deno run pipelines/weather.ts
  deno run pipelines/weather.ts --hidden 64 --epochs 500`,
  {
    "linear-epochs": {
      value: "N",
      help: "steps of gradient descent, each on all days",
      default: "3000",
      parse: wholeNumber(1),
    },
    "hidden": {
      value: "N",
      help: "units of the hidden layer",
      default: "16",
      parse: wholeNumber(1),
    },
    "epochs": { value: "N", help: "of the hidden layer", default: "150", parse: wholeNumber(1) },
    "runs": {
      value: "N",
      help: "hidden layers, each with a seed of its own",
      default: "5",
      parse: wholeNumber(1),
    },
    ...runOptions,
    "limit": {
      value: "N",
      help: "train on the last N days before the unseen year",
      parse: wholeNumber(30),
    },
  },
);

const numeric = { type: "numeric" } as const;
const encoder = tableEncoder({
  features: {
    temp_min: numeric,
    wind: numeric,
    precipitation: numeric,
    // The season as a point on a circle: 31 December stands beside 1 January.
    season_sin: numeric,
    season_cos: numeric,
    // Without its most frequent kind: five columns that add up to 1 would make XᵀX singular.
    weather: { type: "categorical", dropFirst: true },
  },
  target: { column: "temp_max", type: "numeric" },
});

/** The days with the place of each in its year as an angle. */
function withSeason(table: CsvTable): CsvTable {
  const angles = (table.columns.get("date") as readonly string[]).map((date) => {
    const newYear = Date.parse(`${date.slice(0, 4)}-01-01`);
    return 2 * Math.PI * (Date.parse(date) - newYear) / (365.25 * 86_400_000);
  });
  return {
    ...table,
    columns: new Map([
      ...table.columns,
      ["season_sin", Float64Array.from(angles, Math.sin)],
      ["season_cos", Float64Array.from(angles, Math.cos)],
    ]),
  };
}

/** 2012 to 2014 to train on, 2015 to be asked about: a forecast does not know the days around it. */
function loadTables() {
  const text = ["date", "weather"];
  const table = withSeason(parseCsv(days, { file: "seattle-weather.csv", text }));
  const { train, validation } = splitTable(table, { validationSplit: 365 / table.rows });
  const count = Math.min(options.limit ?? Infinity, train.rows);
  const last = Array.from({ length: count }, (_, row) => train.rows - count + row);
  return { train: takeRows(train, last), validation };
}

const device = { device: options.device, threads: options.threads };
const judged = {
  loss: meanSquaredError(),
  metrics: [rootMeanSquaredError(), meanAbsoluteErrorMetric()],
  ...device,
};
type Data = { train: DataSet; validation: DataSet };

async function train(
  model: Model,
  { train, validation }: Data,
  settings: { optimizer: Optimizer; epochs: number; batchSize: number; seed: number },
): Promise<void> {
  const training = fit(model, train, {
    ...judged,
    ...settings,
    validation,
    stepOperators: [
      endOnSignal(),
    ],
    // Of thousands of epochs ten lines are enough.
    callbacks: [
      filter(({ epoch }) => epoch % Math.ceil(settings.epochs / 10) === 0),
      jsonLines(Deno.stdout),
    ],
  });
  await lastValueFrom(training, { defaultValue: null });
}

async function printResult(name: string, model: Model, { train, validation }: Data) {
  const [learnt, unseen] = [
    await evaluate(model, train, judged),
    await evaluate(model, validation, judged),
  ];
  print("result", {
    model: name,
    train_loss: learnt.loss,
    val_loss: unseen.loss,
    val_root_mean_squared_error: unseen.root_mean_squared_error,
    val_mean_absolute_error: unseen.mean_absolute_error,
  });
}

/** A linear network with these weights, the bias last. */
function linear(features: number, weights?: ArrayLike<number>): Model {
  const model = sequential([input([features]), dense(1)], { name: "linear", seed: options.seed });
  if (weights) {
    const values = Array.from(weights);
    model.parameters[0].set(values.slice(0, -1));
    model.parameters[1].set(values.slice(-1));
  }
  return model;
}

try {
  const tables = loadTables();
  const fitted = encoder.adapt(tables.train);
  const data = {
    train: fitted.dataSet(tables.train),
    validation: fitted.dataSet(tables.validation),
  };
  const names = fitted.featureNames(tables.train);

  const { x, y } = data.train;
  const mean = Array.from(y.data).reduce((sum, value) => sum + value / y.data.length, 0);
  await printResult("mean", linear(names.length, [...names.map(() => 0), mean]), data);
  const exact = leastSquares(x.data, y.data);
  await printResult("least squares", linear(names.length, exact), data);

  const network = linear(names.length);
  await train(network, data, {
    optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }),
    epochs: options["linear-epochs"],
    batchSize: y.data.length,
    seed: options.seed,
  });
  const learnt = network.parameters.flatMap(({ value }) => [...value]);
  [...names, "bias"].forEach((feature, place) =>
    print("coefficient", { feature, learnt: learnt[place], exact: exact[place] })
  );
  await printResult("linear", network, data);

  for (let seed = options.seed; seed < options.seed + options.runs; seed++) {
    if (Deno.exitCode !== 0) break;
    const model = sequential([
      input([names.length]),
      dense(options.hidden, { activation: "relu" }),
      dense(1),
    ], { name: "hidden", seed });
    const optimizer = adam({ learningRate: 0.01 });
    await train(model, data, { optimizer, epochs: options.epochs, batchSize: 32, seed });
    await printResult(`hidden, seed ${seed}`, model, data);
  }
} catch (error) {
  Deno.exitCode = failed(error);
}
