import type { ParameterValue, Trial } from "../mod.ts";

/**
 * A table of trials for people: complete ones first, the one of the smallest value on top.
 *
 * @param trials The trials.
 * @param monitor What the value is called.
 * @param names The parameters to show.
 */
export function trialTable(
  trials: readonly Trial[],
  monitor: string,
  names: readonly string[],
): string {
  const head = ["trial", "state", monitor, "epochs", ...names];
  const rows = [...trials].sort((a, b) => compare(a, b)).map((trial) => {
    const parameters = trial.parameters as Readonly<Record<string, ParameterValue>>;
    return [
      String(trial.number),
      trial.state,
      short(trial.value),
      String(trial.epochs.length),
      ...names.map((name) => short(parameters[name])),
    ];
  });
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows].map((row) => row[column].length))
  );
  return [head, widths.map((width) => "-".repeat(width)), ...rows]
    .map((row) => row.map((text, column) => text.padEnd(widths[column])).join("  ").trimEnd())
    .join("\n");
}

const order = ["complete", "pruned", "failed"];

function compare(a: Trial, b: Trial): number {
  if (a.state !== b.state) return order.indexOf(a.state) - order.indexOf(b.state);
  return (a.value ?? Infinity) - (b.value ?? Infinity) || a.number - b.number;
}

function short(value: ParameterValue | undefined): string {
  if (value === undefined) return "";
  if (typeof value !== "number" || Number.isInteger(value)) return String(value);
  return Math.abs(value) < 1e-3 ? value.toExponential(2) : String(Number(value.toPrecision(4)));
}
