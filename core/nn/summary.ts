import type { Shape } from "../graph/shape.ts";
import type { Model } from "./model.ts";
import type { Parameter } from "./parameter.ts";

/** Widths of Keras's columns, with a blank at each side; longer texts widen them. */
const columnWidths = [33, 24, 15];

/**
 * Keras's table of a model: layers, output shapes with `None` for the batch, numbers of weights.
 *
 * @param model The model.
 * @returns The table, lines parted by line feeds, without one at the end.
 *
 * @example
 * ```ts
 * import { dense, input, sequential, summary } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const text = summary(sequential([input([784]), dense(30), dense(30), dense(10)]));
 * assert(text.includes("dense_1 (Dense)"));
 * assert(text.includes("(None, 30)"));
 * assert(text.includes("Total params: 24,790 (96.84 KB)"));
 * ```
 *
 * Keras: `model.summary()`, which writes the text rather than giving it.
 */
export function summary(model: Model): string {
  const rows = [
    ["Layer (type)", "Output Shape", "Param #"],
    ...model.structure.map(({ layer, outputShape, parameters }) => [
      `${layer.name} (${layer.type})`,
      formatOutput(outputShape),
      formatCount(countOf(parameters)),
    ]),
  ];
  const widths = columnWidths.map((width, column) =>
    Math.max(width, ...rows.map((row) => row[column].length + 2))
  );
  const rule = (left: string, line: string, cross: string, right: string) =>
    left + widths.map((width) => line.repeat(width)).join(cross) + right;
  const text = ([name, shape, count]: string[], bar: string) =>
    bar + [
      ` ${name}`.padEnd(widths[0]),
      ` ${shape}`.padEnd(widths[1]),
      `${count} `.padStart(widths[2]),
    ].join(bar) + bar;

  const body = rows.slice(1).map((row) => text(row, "│"));
  const trainable = model.parameters.filter((parameter) => parameter.trainable);
  const frozen = model.parameters.filter((parameter) => !parameter.trainable);
  return [
    `Model: "${model.name}"`,
    rule("┏", "━", "┳", "┓"),
    text(rows[0], "┃"),
    rule("┡", "━", "╇", "┩"),
    body.join(`\n${rule("├", "─", "┼", "┤")}\n`),
    rule("└", "─", "┴", "┘"),
    ` Total params: ${formatTotal(model.parameters)}`,
    ` Trainable params: ${formatTotal(trainable)}`,
    ` Non-trainable params: ${formatTotal(frozen)}`,
  ].join("\n");
}

function countOf(parameters: readonly Parameter[]): number {
  return parameters.reduce((count, parameter) => count + parameter.size, 0);
}

// Not toLocaleString, which follows the machine's language.
function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

function formatOutput(shape: Shape): string {
  return shape.length === 0 ? "(None,)" : `(None, ${shape.join(", ")})`;
}

function formatTotal(parameters: readonly Parameter[]): string {
  const count = countOf(parameters);
  return `${formatCount(count)} (${formatBytes(count * 4)})`;
}

function formatBytes(bytes: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let size = bytes;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${size.toFixed(2)} ${units[unit]}`;
}
