import type { Ceilings } from "../graph/profile.ts";
import type { RunDescription } from "./epoch.ts";
import type { KernelSummary, ProfileSummary } from "./profile_summary.ts";

/** Longer names of kernels are cut in the middle; their ends tell shape and layer. */
const widest = 64;
const kept = 32;

const heads = [
  "kernel",
  "calls",
  "µs a step",
  "% of step",
  "GFLOP/s",
  "% of peak",
  "GB/s",
  "% of memory",
];

/**
 * A profile as a table for people, its last line ended.
 *
 * @param summary The profile.
 * @param device Where the steps ran.
 * @param ceilings What the device can do at most; without them their columns are empty.
 */
export function profileTable(
  summary: ProfileSummary,
  { type, name, threads }: RunDescription["device"],
  ceilings: Ceilings | undefined,
): string {
  const { kernels, waiting, dispatch, host, step } = summary;
  const total = {
    name: "all kernels",
    calls: sum(kernels, "calls"),
    microseconds: sum(kernels, "microseconds"),
    flops: sum(kernels, "flops"),
    bytes: sum(kernels, "bytes"),
  };
  const time = (what: string, microseconds: number) => [
    ...[what, "", microseconds.toFixed(1), percent(microseconds, step)],
    ...["", "", "", ""],
  ];
  const rows = kernels.map((kernel) => kernelRow(kernel, step, ceilings));
  const totals = [
    kernelRow(total, step, ceilings),
    ...(waiting >= 0.05 ? [time("waiting for other threads", waiting)] : []),
    time("dispatch", dispatch),
    ...(host === null ? [] : [time("host, between steps", host)]),
    time("step", step),
  ];
  const place = `${type}: ${name}${
    type === "cpu" ? `, ${threads} ${threads === 1 ? "thread" : "threads"}` : ""
  }`;
  const measured = ceilings
    ? `; at most ${tenth(ceilings.flops)} GFLOP/s and ${tenth(ceilings.bytes)} GB/s were measured`
    : "";
  const head = `Means of the ${summary.averaged} fastest of ${summary.profiled} steps on ${place}` +
    measured;
  return [head, ...align([heads, null, ...rows, null, ...totals]), ""].join("\n");
}

function kernelRow(
  { name, calls, microseconds, flops, bytes }: KernelSummary,
  step: number,
  ceilings: Ceilings | undefined,
): string[] {
  const seconds = microseconds / 1e6;
  const rate = (amount: number, most: number | undefined) =>
    amount === 0 || seconds === 0
      ? ["", ""]
      : [tenth(amount / seconds), most === undefined ? "" : percent(amount / seconds, most)];
  return [
    name.length > widest ? `${name.slice(0, widest - kept - 1)}…${name.slice(-kept)}` : name,
    String(calls),
    microseconds.toFixed(1),
    percent(microseconds, step),
    ...rate(flops, ceilings?.flops),
    ...rate(bytes, ceilings?.bytes),
  ];
}

function sum(
  kernels: readonly KernelSummary[],
  field: Exclude<keyof KernelSummary, "name">,
): number {
  return kernels.reduce((total, kernel) => total + kernel[field], 0);
}

/** Billions a second, with a tenth. */
function tenth(value: number): string {
  return (value / 1e9).toFixed(1);
}

function percent(part: number, whole: number): string {
  return whole === 0 ? "" : (100 * part / whole).toFixed(1);
}

/** Columns as wide as their widest cell, numbers to the right; `null` becomes a rule. */
function align(rows: readonly (readonly string[] | null)[]): string[] {
  const widths = heads.map((_, column) =>
    Math.max(...rows.map((row) => row?.[column].length ?? 0))
  );
  return rows.map((row) =>
    row === null
      ? widths.map((width) => "─".repeat(width)).join("  ")
      : row.map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])
      ).join("  ").trimEnd()
  );
}
