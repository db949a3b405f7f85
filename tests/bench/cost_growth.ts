/** How the time of a step grows: whether in proportion to its work, and where a GPU overtakes. */

import { formatTable } from "./report.ts";

/** A network whose step is timed. */
export interface CostPoint {
  /** The quantity that grows. */
  readonly series: "width" | "depth" | "batch";
  /** Its value. */
  readonly value: number;
  /** Units of each hidden layer. */
  readonly width: number;
  /** Hidden layers. */
  readonly depth: number;
  /** Samples in a step. */
  readonly batch: number;
}

/** What a point took on a device. */
export interface CostTime {
  readonly point: CostPoint;
  /** `cpu-1`, `cpu-2` or `webgpu`. */
  readonly device: string;
  readonly microseconds: number;
  /** The first step: building the plan, compiling, putting the data on the device. */
  readonly firstStepMilliseconds: number;
  readonly firstLoss: number;
  readonly lastLoss: number;
}

/** Features and classes of every network. */
export const FEATURES = 256, CLASSES = 10;

/**
 * Noise allowed above proportional growth, and microseconds below which the clock and the wake-up
 * of threads say more than the work.
 */
export const TOLERANCE = 0.3, SLACK = 5;

/** Milliseconds of a first step that compiling and garbage collection may take now and then. */
const PLAN_SLACK = 10;

/** Deeper networks of relu layers do not learn in a few steps of gradient descent. */
const LEARNING_DEPTH = 8;

function doublings(from: number, to: number): number[] {
  return Array.from({ length: Math.log2(to / from) + 1 }, (_, power) => from * 2 ** power);
}

/** Every network, series after series; `most` limits a quantity, for a trial. */
export function costPoints(most = Infinity): CostPoint[] {
  const base = { width: 64, depth: 2, batch: 32 };
  const range = { width: [32, 2048], depth: [2, 64], batch: [1, 4096] } as const;
  return (["width", "depth", "batch"] as const).flatMap((series) =>
    doublings(range[series][0], range[series][1]).filter((value) => value <= most)
      .map((value) => ({ series, value, ...base, [series]: value }))
  );
}

/**
 * Operations of a training step: three products for each weight and sample (the first layer needs no
 * gradient of its input), and some six for the update of each weight.
 */
export function work({ width, depth, batch }: CostPoint): number {
  const first = FEATURES * width;
  const others = (depth - 1) * width * width + width * CLASSES;
  return 2 * batch * (2 * first + 3 * others) + 6 * (first + others);
}

/** What is wrong, and the times that say so. */
export interface CostComplaint {
  readonly text: string;
  readonly suspects: readonly CostTime[];
}

/** Steps of a series that cost more than the work they add, threads that cost time, no learning. */
export function costComplaints(times: readonly CostTime[]): CostComplaint[] {
  const alone = times.flatMap((time) => notLearned(time));
  const growing = [...Map.groupBy(times, ({ device, point }) => `${device} ${point.series}`)]
    .flatMap(([, series]) => series.slice(1).flatMap((time, index) => grown(series[index], time)));
  const threads = times.filter(({ device }) => device === "cpu-1").flatMap((one) => {
    const two = times.find(({ device, point }) => device === "cpu-2" && point === one.point);
    return two ? slowed(one, two) : [];
  });
  return [...alone, ...growing, ...threads];
}

function named({ series, value }: CostPoint): string {
  return `${series} ${value}`;
}

function notLearned(time: CostTime): CostComplaint[] {
  const { point, device, firstLoss, lastLoss } = time;
  if (!Number.isFinite(lastLoss)) {
    return [{ text: `${named(point)} on ${device}: the loss is ${lastLoss}`, suspects: [time] }];
  }
  if (point.depth > LEARNING_DEPTH || lastLoss < firstLoss) return [];
  return [{ text: `${named(point)} on ${device} does not learn`, suspects: [time] }];
}

/** Whether a time is more than so many times another one, noise apart. */
function exceeds(time: number, fair: number, before: number, slack = SLACK): boolean {
  const allowed = fair * before;
  return time > allowed * (1 + TOLERANCE) && time - allowed > slack;
}

function grown(before: CostTime, time: CostTime): CostComplaint[] {
  const fair = Math.max(2, work(time.point) / work(before.point));
  const complaints: CostComplaint[] = [];
  const complain = (what: string, to: number, from: number, most: number) =>
    complaints.push({
      text: `${named(before.point)} to ${time.point.value} on ${time.device}: ` +
        `${(to / from).toFixed(2)} times the ${what}, expected at most ${most.toFixed(2)} times`,
      suspects: [before, time],
    });
  if (exceeds(time.microseconds, fair, before.microseconds)) {
    complain("time", time.microseconds, before.microseconds, fair);
  }
  const [planned, plannedBefore] = [time.firstStepMilliseconds, before.firstStepMilliseconds];
  // A plan grows with the layers alone; a GPU's drivers compile when they like.
  if (
    time.point.series === "depth" && time.device !== "webgpu" &&
    exceeds(planned, 2, plannedBefore, PLAN_SLACK)
  ) complain("first step", planned, plannedBefore, 2);
  return complaints;
}

function slowed(one: CostTime, two: CostTime): CostComplaint[] {
  if (!exceeds(two.microseconds, 1, one.microseconds)) return [];
  const ratio = (two.microseconds / one.microseconds).toFixed(2);
  const text = `${named(one.point)}: two threads take ${ratio} times as long as one`;
  return [{ text, suspects: [one, two] }];
}

/** Where the GPU takes less time than the faster of the CPU's columns, for each series. */
export function overtaking(times: readonly CostTime[]): string[] {
  if (new Set(times.map(({ device }) => device === "webgpu")).size < 2) return [];
  return [...Map.groupBy(times, ({ point }) => point.series)].map(([series, all]) => {
    const points = [...Map.groupBy(all, ({ point }) => point)];
    const found = points.find(([, on]) => {
      const gpu = on.find(({ device }) => device === "webgpu")?.microseconds ?? Infinity;
      return on.every(({ device, microseconds }) => device === "webgpu" || gpu < microseconds);
    });
    return found
      ? `webgpu overtakes the CPU at ${series} ${found[0].value}`
      : `webgpu does not overtake the CPU up to ${series} ${points.at(-1)![0].value}`;
  });
}

/** One series as text: microseconds, and their growth from the row above over that of the work. */
export function formatSeries(times: readonly CostTime[]): string {
  const devices = [...new Set(times.map(({ device }) => device))];
  const points = [...new Set(times.map(({ point }) => point))];
  const find = (point: CostPoint | undefined, device: string) =>
    times.find((time) => time.point === point && time.device === device);
  const digits = (number: number) =>
    number >= 100 ? Math.round(number).toLocaleString("en-US") : number.toPrecision(3);
  const lines = points.map((point, index) => {
    const before = points[index - 1];
    const growth = before ? work(point) / work(before) : null;
    return [
      String(point.value),
      growth === null ? "" : growth.toFixed(2),
      ...devices.flatMap((device) => {
        const [time, last] = [find(point, device), find(before, device)];
        if (!time) return ["–", "", ""];
        const ratio = last ? (time.microseconds / last.microseconds).toFixed(2) : "";
        return [digits(time.microseconds), ratio, digits(time.firstStepMilliseconds)];
      }),
    ];
  });
  const columns = devices.flatMap((device) => [`${device} µs`, "×", "first ms"]);
  return formatTable([points[0].series, "work ×", ...columns], lines);
}
