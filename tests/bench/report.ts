/** Turns measurements into checks, rows and text. */

import type { Measurement } from "./peer.ts";
import type { Adapter } from "./peer_processes.ts";
import { summarise, type Summary } from "./statistics.ts";
import { isRandom, operationsPerStep, type Workload } from "./workloads.ts";

/** One peer's rounds on one workload. */
export interface Row {
  readonly network: string;
  readonly peer: string;
  readonly threads: number;
  /** Microseconds a step, over the rounds' medians. */
  readonly microseconds: Summary;
  readonly stepsPerSecond: number;
  readonly gigaflops: number;
  /** Time of this peer over the time of the compared one: above 1, this peer is slower. */
  readonly ratio: number | null;
  /** Microseconds a step of the fastest window of all rounds: what others do to the machine only adds. */
  readonly best: number;
  /** As `ratio`, of the fastest windows. */
  readonly bestRatio: number | null;
  readonly coldStartMilliseconds: number;
  readonly firstStepMilliseconds: number;
  readonly newSignatureMilliseconds: number;
  /** Steps that were run, in the round with the fewest. */
  readonly steps: number;
  readonly firstLoss: number;
  readonly lastLoss: number;
  /** What is wrong with the result, if anything is. */
  readonly complaint: string | null;
}

/** Relative difference beyond which two peers did not compute the same thing. */
const SAME_VALUE = 1e-3;
/** The same where dropout makes every peer's first loss another. */
const SAME_MEAN = 0.05;
/** Last losses may be this far apart, relative to their median: rounding grows over the steps. */
const LOSS_BAND = 0.1;

function far(value: number, expected: number, tolerance: number): boolean {
  return !(Math.abs(value - expected) <= tolerance * Math.max(Math.abs(expected), 1e-3));
}

/** Says what is wrong: another first value, a last loss out of the band, or no learning. */
function complaint(row: Row, rows: readonly Row[], workload: Workload): string | null {
  const first = summarise(rows.map((other) => other.firstLoss)).median;
  if (far(row.firstLoss, first, isRandom(workload) ? SAME_MEAN : SAME_VALUE)) {
    return `first value ${row.firstLoss}, the others' ${first}`;
  }
  if (workload.kind !== "training") return null;
  // Before half of the steps, the last loss read is that of a network that has just begun.
  const learned = row.steps > workload.learningSteps / 2 ? 0.7 : 0.99;
  if (!(row.lastLoss < learned * row.firstLoss)) {
    return `does not learn: loss ${row.firstLoss} to ${row.lastLoss} in ${row.steps} steps`;
  }
  // A slow peer is stopped before it has taken all steps: its last loss is that of fewer.
  const complete = rows.filter((other) => other.steps >= workload.learningSteps);
  if (!complete.includes(row)) return null;
  const last = summarise(complete.map((other) => other.lastLoss)).median;
  return far(row.lastLoss, last, LOSS_BAND) ? `last loss ${row.lastLoss}, others' ${last}` : null;
}

function medians(rounds: readonly Measurement[]): Summary {
  return summarise(rounds.map((round) => round.medianMicrosecondsPerStep));
}

function fastest(rounds: readonly Measurement[]): number {
  return Math.min(...rounds.map((round) => round.fastestMicrosecondsPerStep));
}

/** Rows of one workload, in the order in which peers were first measured. */
export function makeRows(
  workload: Workload,
  measurements: readonly Measurement[],
  comparedWith: string,
): Row[] {
  const groups = Map.groupBy(measurements, (measurement) => measurement.peer);
  const compared = groups.get(comparedWith);
  const base = compared && medians(compared).median;
  const bestBase = compared && fastest(compared);
  const rows = [...groups].map(([peer, rounds]): Row => {
    const over = (key: `${"coldStart" | "firstStep" | "newSignature"}Milliseconds`) =>
      summarise(rounds.map((round) => round[key])).median;
    const microseconds = medians(rounds);
    const best = fastest(rounds);
    return {
      network: workload.name,
      peer,
      threads: rounds[0].threads,
      microseconds,
      stepsPerSecond: 1e6 / microseconds.median,
      gigaflops: operationsPerStep(workload) / microseconds.median / 1000,
      ratio: base ? microseconds.median / base : null,
      best,
      bestRatio: bestBase ? best / bestBase : null,
      coldStartMilliseconds: over("coldStartMilliseconds"),
      firstStepMilliseconds: over("firstStepMilliseconds"),
      newSignatureMilliseconds: over("newSignatureMilliseconds"),
      steps: Math.min(...rounds.map((round) => round.steps)),
      firstLoss: rounds[0].firstLoss,
      lastLoss: rounds[0].lastLoss,
      complaint: null,
    };
  });
  return rows.map((row) => ({ ...row, complaint: complaint(row, rows, workload) }));
}

function digits(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString("en-US");
  return value.toPrecision(3);
}

/** A table with aligned columns: the first is left-aligned, the others right-aligned. */
export function formatTable(header: readonly string[], lines: readonly string[][]): string {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...lines.map((line) => line[column].length))
  );
  const format = (cells: readonly string[]) =>
    cells.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])
    ).join("  ").trimEnd();
  return [format(header), ...lines.map(format)].join("\n");
}

/** A peer that was not given a workload. */
export interface LeftOut {
  readonly network: string;
  readonly peer: string;
  readonly reason: string;
}

/** The rows of one workload as text, with the peers that it was not given to. */
export function formatRows(
  rows: readonly Row[],
  comparedWith: string,
  leftOut: readonly LeftOut[] = [],
): string {
  const header = [
    rows[0].network,
    "µs/step",
    "spread",
    "steps/s",
    "GFLOP/s",
    `÷ ${comparedWith}`,
    "best µs",
    "÷ best",
    "first step ms",
    "new shape ms",
    "cold start ms",
    "first loss",
    "last loss",
  ];
  const lines = rows.map((row) => [
    row.peer,
    digits(row.microseconds.median),
    `${Math.round(row.microseconds.spread * 100)}%`,
    digits(row.stepsPerSecond),
    digits(row.gigaflops),
    row.ratio === null ? "–" : digits(row.ratio),
    digits(row.best),
    row.bestRatio === null ? "–" : digits(row.bestRatio),
    digits(row.firstStepMilliseconds),
    digits(row.newSignatureMilliseconds),
    digits(row.coldStartMilliseconds),
    row.firstLoss.toFixed(4),
    row.lastLoss.toFixed(4),
  ]);
  const complaints = rows.filter((row) => row.complaint)
    .map((row) => `! ${row.peer}: ${row.complaint}`);
  const notes = leftOut.map(({ peer, reason }) => `- ${peer} is left out: ${reason}`);
  return [formatTable(header, lines), ...complaints, ...notes].join("\n");
}

/** The machine, as far as it says what it is. */
export function machine(adapter: Adapter | null): Record<string, unknown> {
  const read = (path: string, pattern: RegExp) => {
    try {
      return Deno.readTextFileSync(path).match(pattern)?.[1] ?? "unknown";
    } catch {
      return "unknown"; // no /proc outside Linux
    }
  };
  return {
    processor: read("/proc/cpuinfo", /^model name\s*:\s*(.+)$/m),
    cores: navigator.hardwareConcurrency,
    memoryMebibytes: Math.round(Deno.systemMemoryInfo().total / 2 ** 20),
    system: `${Deno.build.os} ${Deno.osRelease()}`,
    deno: Deno.version.deno,
    adapter,
  };
}
