import { sliceSamples } from "../data/data_set.ts";
import { mnist } from "../data/mnist.ts";
import {
  accuracy,
  choice,
  dense,
  type DeviceOptions,
  dropout,
  fit,
  float,
  input,
  integer,
  type Objective,
  sequential,
  sparseCategoricalCrossentropy,
  takeFirst,
  when,
} from "../mod.ts";
import { optimizerOf } from "./training_options.ts";

/** What is the same in all trials; choices of one value, so that the study knows them. */
export interface DigitsSettings {
  /** Digits to train on. */
  readonly limit: number;
  /** Digits to validate on: those that follow in the training set. The test set stays unseen. */
  readonly validation: number;
  /** Passes over the data. */
  readonly epochs: number;
  /** Samples in a step. */
  readonly batchSize: number;
}

/** What is searched for the digit network. */
export function digitsSpace(settings: DigitsSettings) {
  return {
    optimizer: choice("sgd", "rmsprop", "adam"),
    learningRate: float(1e-4, 1, { log: true }),
    momentum: when({ optimizer: "sgd" }, float(0, 0.99)),
    layers: integer(1, 3),
    units: integer(8, 128, { log: true }),
    activation: choice("relu", "tanh", "sigmoid"),
    dropout: float(0, 0.5),
    limit: choice(settings.limit),
    validation: choice(settings.validation),
    epochs: choice(settings.epochs),
    batchSize: choice(settings.batchSize),
  };
}

/** Points of the grid, for what has no few steps of its own. */
export const gridPoints = { learningRate: 5, momentum: 2, units: 3, dropout: 2 };

/** One trial: a network of these parameters learns the digits on this device. */
export function digitsObjective(
  { device, threads }: DeviceOptions,
): Objective<ReturnType<typeof digitsSpace>> {
  return (parameters, { seed }) => {
    const { layers, units, activation, limit, validation, epochs, batchSize } = parameters;
    const model = sequential([
      input([784]),
      ...Array.from({ length: layers }, () => [
        dense(units, { activation }),
        ...(parameters.dropout > 0 ? [dropout(parameters.dropout)] : []),
      ]).flat(),
      dense(10),
    ], { seed });
    const { optimizer, learningRate, momentum = 0 } = parameters;
    return fit(model, takeFirst(mnist.train, limit), {
      loss: sparseCategoricalCrossentropy({ fromLogits: true }),
      optimizer: optimizerOf(optimizer, { learningRate, momentum }),
      metrics: [accuracy()],
      validation: sliceSamples(mnist.train, limit, limit + validation),
      ...{ epochs, batchSize, seed, device, threads },
    });
  };
}

/** The address of this module for a Worker, with what is no parameter of a trial: the device. */
export function digitsModule({ device, threads = 1 }: DeviceOptions): URL {
  const url = new URL(import.meta.url);
  url.search = String(new URLSearchParams({ device: String(device), threads: String(threads) }));
  return url;
}

const { searchParams } = new URL(import.meta.url);

/** The objective of a Worker, by the address that it was imported from. */
export default digitsObjective({
  device: (searchParams.get("device") ?? "auto") as DeviceOptions["device"],
  threads: Number(searchParams.get("threads") ?? 1),
});
