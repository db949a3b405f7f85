/** What the kernels of both ways through a cell's steps share. */
import type { StridedOperand, StructuredCall } from "../../core/graph/call.ts";
import {
  type CellLayout,
  cellLayouts,
  type RecurrenceAttributes,
  type RecurrenceExtra,
  recurrenceExtras,
} from "../../core/graph/recurrence.ts";
import type { GpuCall } from "../call.ts";
import { indent, type ShaderBuilder } from "../shader_builder.ts";
import type { Tuning } from "../tuning.ts";

/** A call of a recurrence, or of its gradient. */
export interface Parts {
  readonly operands: readonly StridedOperand[];
  readonly extras: { readonly [Name in RecurrenceExtra]?: StridedOperand };
  readonly attributes: RecurrenceAttributes;
  readonly layout: CellLayout;
  readonly units: number;
}

/** What a call of a recurrence is made of. */
export function partsOf({ work }: GpuCall): Parts & { batch: number; steps: number } {
  if (work.kind !== "structured") throw new Error("Cannot step through another call");
  const { operands, output, name } = work.call as StructuredCall;
  const attributes = work.call.attributes as unknown as RecurrenceAttributes;
  // What is kept has a row more than there are steps.
  const [rows, batch] = (name === "recurrenceSteps" ? output : operands[0]).shape;
  return {
    operands,
    extras: recurrenceExtras(operands, attributes),
    attributes,
    layout: cellLayouts[attributes.cell],
    units: operands[1].shape[0],
    batch,
    steps: rows - 1,
  };
}

/** Threads of a workgroup, and the turns in which they have all units. */
export function shapeOf({ units }: Parts, tuning: Tuning) {
  const lanes = lanesFor(units, tuning);
  return { lanes, slots: range(Math.ceil(units / lanes)) };
}

/** Threads of a workgroup, for so many units. */
export function lanesFor(units: number, tuning: Tuning): number {
  return Math.min(tuning.invocations, 256, Math.ceil(units / 32) * 32);
}

/** Refuses what does not fit into the memory that a workgroup shares. */
export function checkShared(units: number, numbers: number, { sharedBytes }: Tuning): void {
  if (numbers * 4 <= sharedBytes) return;
  throw new RangeError(
    `Cannot run a recurrent layer of ${units} units on this WebGPU adapter as a workgroup shares ` +
      `${sharedBytes} bytes, enough for ${Math.floor(sharedBytes * units / numbers / 4)} units: ` +
      `use fewer units, or the device "cpu"`,
  );
}

/** Statements for each unit `u` of a thread: all but the last turn has one for every thread. */
export function eachUnit(
  slots: readonly number[],
  lanes: number,
  units: number,
  body: (slot: number) => readonly string[],
): string[] {
  return slots.map((slot) => {
    const lines = [`let u = lane + ${slot * lanes}u;`, ...body(slot)];
    if ((slot + 1) * lanes <= units) return `{\n${indent(lines.join("\n"))}\n}`;
    return `if (lane + ${slot * lanes}u < ${units}u) {\n${indent(lines.join("\n"))}\n}`;
  });
}

/** What reads an element of an operand. */
export function reader(shader: ShaderBuilder) {
  return (operand: StridedOperand, index: string) =>
    shader.load(operand.buffer, "f32", `${shader.start(operand)} + ${index}`);
}

/** The first `count` whole numbers from 0. */
export function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
