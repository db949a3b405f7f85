import type { Shape } from "../graph/shape.ts";
import type { AnyModel } from "./connect.ts";
import { entriesOf } from "./named.ts";
import type { Parameter } from "./parameter.ts";
import type { ModelLayer } from "./place_layer.ts";

/** Widths of Keras's columns, with a blank at each side; longer texts widen them. */
const columnWidths = [33, 24, 15];

/** Widths of the columns for models that are graphs. */
const graphWidths = [21, 19, 12, 19];

/** Columns of numbers. */
const numeric = 2;

/**
 * Keras's table of a model: layers, output shapes with `None` for the batch, numbers of weights; of
 * a functional model also the inputs, and what each layer is connected to.
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
export function summary(model: AnyModel): string {
  const isGraph = model.type === "Functional";
  const rows = isGraph ? graphRows(model) : stackRows(model);
  const least = isGraph ? graphWidths : columnWidths;
  const widths = least.map((width, column) =>
    Math.max(width, ...rows.map((row) => row[column].length + 2))
  );
  const rule = (left: string, line: string, cross: string, right: string) =>
    left + widths.map((width) => line.repeat(width)).join(cross) + right;
  const text = (row: readonly string[], bar: string) =>
    bar + row.map((cell, column) =>
      column === numeric ? `${cell} `.padStart(widths[column]) : ` ${cell}`.padEnd(widths[column])
    ).join(bar) + bar;

  const body = rows.slice(1).map((row) => text(row, "│"));
  const trainable = model.trainableParameters;
  const frozen = model.parameters.filter((parameter) => !trainable.includes(parameter));
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

function stackRows(model: AnyModel): string[][] {
  return [
    ["Layer (type)", "Output Shape", "Param #"],
    ...model.structure.map(layerCells),
  ];
}

/** Inputs and layers, each with what it takes, as in Keras: `dense_1[0][0]`, call and output. */
function graphRows(model: AnyModel): string[][] {
  const { graph } = model.definition;
  const values = graph.inputNames.map((name) => `${name}[0][0]`);
  const taken = new Map<ModelLayer, string[]>();
  for (const { place, call, outputShape, inputs } of graph.calls) {
    taken.set(place, [...taken.get(place) ?? [], ...inputs.map((value) => values[value])]);
    const outputs = entriesOf<Shape>(outputShape, Array.isArray);
    values.push(...outputs.map((_, output) => `${place.name}[${call - 1}][${output}]`));
  }
  return [
    ["Layer (type)", "Output Shape", "Param #", "Connected to"],
    ...graph.inputNames.map((name, place) => [
      `${name} (InputLayer)`,
      formatOutput(graph.shapes[place]),
      "0",
      "-",
    ]),
    ...model.structure.map((place) => [...layerCells(place), taken.get(place)!.join(", ")]),
  ];
}

function layerCells({ name, layer, outputShape, parameters }: ModelLayer): string[] {
  const shapes = entriesOf<Shape>(outputShape, Array.isArray).map(([, shape]) =>
    formatOutput(shape)
  );
  return [
    `${name} (${layer.type})`,
    shapes.length === 1 ? shapes[0] : `[${shapes.join(", ")}]`,
    formatCount(countOf(parameters)),
  ];
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
