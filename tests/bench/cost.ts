/**
 * How the cost of a step grows: its time against width, depth and batch size, on one thread and on
 * two, and on WebGPU where there is an adapter.
 *
 * `deno task bench:cost --help` lists the options. Tables go to stderr, JSON to stdout or to a file.
 * Exit codes: 0 done, 1 a quantity costs more than its share or a network does not learn, 2 wrong
 * usage.
 */

import process from "node:process";
import { parseArgs } from "node:util";
import * as millrace from "../../mod.ts";
import {
  CLASSES,
  costComplaints,
  type CostPoint,
  costPoints,
  type CostTime,
  FEATURES,
  formatSeries,
  overtaking,
} from "./cost_growth.ts";
import { findAdapter } from "./peer_processes.ts";
import { machine } from "./report.ts";
import { StreamWindows } from "./stream_windows.ts";

const HELP = `Usage: deno task bench:cost [options]

  --rounds N      rounds on the CPU, in which all networks take turns (default: 3); WebGPU has one
  --device NAMES  comma-separated: cpu-1, cpu-2, webgpu (default: all that there are)
  --series NAMES  comma-separated: width, depth, batch (default: all)
  --most N        leave out greater widths, depths and batches
  --json FILE     write the results there (default: stdout)
  --help          print this text`;

const WINDOW_MILLISECONDS = 25;
const WINDOWS = 4;
/** Steps at least, so that a network can be seen to learn. */
const LEAST_STEPS = 16;
/** Times that a suspicion is looked into again. */
const AGAIN = 6;
/** Microseconds a step after which a device is not given the next value of a series. */
const LONGEST = 1e6;

const DEVICES = ["cpu-1", "cpu-2", "webgpu"], SERIES = ["width", "depth", "batch"];

interface Options {
  readonly rounds: number;
  readonly devices: readonly string[];
  readonly points: readonly CostPoint[];
  readonly json?: string;
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new Error(`Cannot take --${name} "${text}": expected a whole number from 1`);
}

function names(option: string, text: string, known: readonly string[]): string[] {
  const given = text.split(",").map((name) => name.trim());
  const unknown = given.find((name) => !known.includes(name));
  if (unknown === undefined) return given;
  throw new Error(`Unknown --${option} "${unknown}": expected some of ${known.join(", ")}`);
}

/** Reads the options; null after printing the help. */
function readOptions(): Options | null {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      rounds: { type: "string", default: "3" },
      device: { type: "string", default: DEVICES.join() },
      series: { type: "string", default: SERIES.join() },
      most: { type: "string" },
      json: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return null;
  }
  const most = values.most === undefined ? undefined : wholeNumber("most", values.most);
  const series = names("series", values.series, SERIES);
  return {
    ...values,
    rounds: wholeNumber("rounds", values.rounds),
    devices: names("device", values.device, DEVICES),
    points: costPoints(most).filter((point) => series.includes(point.series)),
  };
}

/** Two batches of pseudo-random points, whose classes are where one of the features is largest. */
function dataFor(batch: number): millrace.DataSet {
  const samples = 2 * batch;
  let state = 1;
  const x = Float32Array.from({ length: samples * FEATURES }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
  const y = Uint8Array.from({ length: samples }, (_, row) => {
    const first = x.subarray(row * FEATURES, row * FEATURES + CLASSES);
    return first.indexOf(Math.max(...first));
  });
  return {
    x: { data: x, shape: [samples, FEATURES] },
    y: { data: y, shape: [samples] },
    classes: CLASSES,
  };
}

/** The network of a point, trained on two batches by gradient descent. */
function windowsOf(point: CostPoint, device: millrace.Device): StreamWindows {
  const hidden = Array.from(
    { length: point.depth },
    () => millrace.dense(point.width, { activation: "relu", kernelInitializer: "heUniform" }),
  );
  const model = millrace.sequential([
    millrace.input([FEATURES]),
    ...hidden,
    millrace.dense(CLASSES),
  ]);
  const data = dataFor(point.batch);
  const settings = { batchSize: point.batch, epochs: Infinity, shuffle: false };
  return new StreamWindows(
    device,
    (given) =>
      millrace.miniBatches(data, { ...settings, device: given }).pipe(
        millrace.forward(model),
        millrace.loss(millrace.sparseCategoricalCrossentropy({ fromLogits: true })),
        millrace.backward(),
        millrace.update(millrace.sgd({ learningRate: 0.02 })),
      ),
  );
}

/** Times one network: the least of a few windows of steps, each ended by reading the loss. */
async function timePoint(point: CostPoint, name: string, device: millrace.Device) {
  const windows = windowsOf(point, device);
  const start = performance.now();
  const firstLoss = await windows.run(0, 1);
  const firstStepMilliseconds = performance.now() - start;
  // A step whose loss is read is another program, and so is the last of an epoch: make all ready.
  await windows.run(1, 1);
  await windows.run(2, 3);
  let [steps, count, loss, best] = [5, 1, firstLoss, Infinity];
  const window = async () => {
    const begun = performance.now();
    loss = await windows.run(steps, count);
    steps += count;
    return (performance.now() - begun) * 1000 / count;
  };
  // Longer and longer windows until one is long enough; they are the warm-up too.
  let last = await window();
  while (last * count < WINDOW_MILLISECONDS * 1000) {
    count *= 2;
    last = await window();
  }
  best = last;
  for (let index = 1; index < WINDOWS && last < LONGEST; index++) {
    best = Math.min(best, last = await window());
  }
  // The loss is that of the first batch again, which the odd steps have.
  while (steps < LEAST_STEPS && last < LONGEST) last = await window();
  if (steps % 2 === 0) {
    count = 1;
    await window();
  }
  windows.stop();
  await device.idle();
  return {
    point,
    device: name,
    microseconds: best,
    firstStepMilliseconds,
    firstLoss,
    lastLoss: loss,
  };
}

/** The points on their devices, and the best time of each. */
class CostTable {
  readonly #times = new Map<string, CostTime>();
  readonly #ended = new Set<string>();

  constructor(
    private readonly points: readonly CostPoint[],
    private readonly devices: ReadonlyMap<string, millrace.Device>,
  ) {}

  /** What has been measured, device after device. */
  get times(): CostTime[] {
    return [...this.devices.keys()].flatMap((name) =>
      this.points.flatMap((point) => this.#times.get(key(point, name)) ?? [])
    );
  }

  /** Every point on some devices, in turn; a series ends where a step gets too long. */
  async round(names: readonly string[]): Promise<void> {
    for (const point of this.points) {
      for (const name of names) {
        const series = `${point.series} ${name}`;
        if (this.#ended.has(series)) continue;
        await this.time(point, name);
        if (this.#times.get(key(point, name))!.microseconds > LONGEST) this.#ended.add(series);
      }
    }
  }

  /** One point on a device; of several times the best counts. */
  async time(point: CostPoint, name: string): Promise<void> {
    const found = await timePoint(point, name, this.devices.get(name)!);
    const { microseconds, firstStepMilliseconds } = this.#times.get(key(point, name)) ?? found;
    this.#times.set(key(point, name), {
      ...found,
      microseconds: Math.min(microseconds, found.microseconds),
      firstStepMilliseconds: Math.min(firstStepMilliseconds, found.firstStepMilliseconds),
    });
  }
}

function key({ series, value }: CostPoint, device: string): string {
  return `${series} ${value} ${device}`;
}

/** Opens the devices that are here, and lets their threads come up. */
async function openDevices(names: readonly string[], points: readonly CostPoint[]) {
  const devices = new Map<string, millrace.Device>();
  for (const name of names) {
    const options = name === "webgpu"
      ? { device: "webgpu" as const }
      : { device: "cpu" as const, threads: Number(name.at(-1)) };
    const { device } = await millrace.openDevice(options);
    const windows = windowsOf(points[0], device);
    await windows.run(0, 200);
    windows.stop();
    devices.set(name, device);
  }
  return devices;
}

/** Times everything; what looks wrong on the CPU is timed again before it is believed. */
async function timeAll({ points, rounds, devices: names }: Options) {
  const devices = await openDevices(names, points);
  const table = new CostTable(points, devices);
  const cpus = names.filter((name) => name !== "webgpu");
  for (let round = 0; round < rounds; round++) await table.round(cpus);
  if (devices.has("webgpu")) await table.round(["webgpu"]);
  let complaints = costComplaints(table.times);
  for (let again = 0; again < AGAIN && complaints.length > 0; again++) {
    for (const { point, device } of new Set(complaints.flatMap(({ suspects }) => suspects))) {
      if (device !== "webgpu") await table.time(point, device);
    }
    complaints = costComplaints(table.times);
  }
  for (const device of devices.values()) device.dispose();
  return { times: table.times, complaints: complaints.map(({ text }) => text) };
}

async function main(): Promise<number> {
  let options: Options | null;
  try {
    options = readOptions();
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${HELP}`);
    return 2;
  }
  if (options === null) return 0;
  const adapter = await findAdapter();
  if (!adapter) console.error("WebGPU has no adapter here: it is left out");
  const devices = options.devices.filter((name) => adapter !== null || name !== "webgpu")
    .filter((name) => name !== "cpu-2" || navigator.hardwareConcurrency > 1);
  const { times, complaints } = await timeAll({ ...options, devices });
  for (const [, series] of Map.groupBy(times, ({ point }) => point.series)) {
    console.error(formatSeries(series) + "\n");
  }
  const overtakes = overtaking(times);
  overtakes.forEach((text) => console.error(text));
  complaints.forEach((text) => console.error(`! ${text}`));
  const { rounds } = options;
  const result = { machine: machine(adapter), rounds, times, overtakes, complaints };
  const text = JSON.stringify(result);
  if (options.json === undefined) console.log(text);
  else await Deno.writeTextFile(options.json, text + "\n");
  return complaints.length > 0 ? 1 : 0;
}

if (import.meta.main) process.exit(await main());
