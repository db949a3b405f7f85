import type { LoopCall, StridedOperand, StructuredCall } from "../graph/call.ts";
import type { Plan } from "../graph/plan.ts";
import type { DType } from "../graph/dtype.ts";
import { sizeOf } from "../graph/shape.ts";
import { type AttentionName, attentionRecords } from "./attention_records.ts";
import { findChains } from "./chains.ts";
import { findClaims } from "./claims.ts";
import { type CtcName, ctcRecords } from "./ctc_records.ts";
import { chainWords, claimWords, recordWords } from "./kernels/load.ts";
import { type RecurrenceName, recurrenceRecords } from "./recurrence_records.ts";
import { type SamplingName, samplingRecords } from "./sampling_records.ts";
import { type SortName, sortRecords } from "./sort_records.ts";
import { type WindowName, windowRecords } from "./window_records.ts";

/** Kinds of records that the plan walker knows. */
const kind = {
  function: 1,
  matmul: 2,
  gather: 3,
  scatterAdd: 5,
  segments: 11,
  bincount: 20,
  eliminate: 21,
  cholesky: 22,
} as const;

/** Where a call finds things: addresses of operands, table indices, memory for arguments. */
export interface Binding {
  /** Address of an element of a buffer. */
  address(buffer: number, element: number): number;
  /** Table index of a fused loop. */
  functionIndex(call: LoopCall): number;
  /** Writes words somewhere that stays, and gives their address. */
  argumentBlock(words: readonly number[]): number;
}

/** Ops with kernels of their own; a name without a record here does not compile. */
export type StructuredName =
  | "matmul"
  | "gather"
  | "scatterAdd"
  | "segmentSum"
  | "segmentMax"
  | "bincount"
  | "eliminate"
  | "cholesky"
  | WindowName
  | RecurrenceName
  | SamplingName
  | AttentionName
  | CtcName
  | SortName;

/** Writes the words of a call's record: its kind, then those from word 4 on. */
export type RecordWriter = (call: StructuredCall, binding: Binding) => readonly number[];

const structured = {
  matmul: matmulRecord,
  gather: gatherRecord,
  scatterAdd: scatterRecord,
  segmentSum: segmentRecord,
  segmentMax: segmentRecord,
  bincount: bincountRecord,
  eliminate: eliminateRecord,
  cholesky: choleskyRecord,
  ...windowRecords,
  ...recurrenceRecords,
  ...ctcRecords,
  ...samplingRecords,
  ...attentionRecords,
  ...sortRecords,
} satisfies Record<StructuredName, RecordWriter>;

/** The words of a whole plan, ended by a record of kind 0. */
export function planRecords(plan: Plan, binding: Binding): Uint32Array {
  const records: (readonly number[])[] = [];
  plan.phases.forEach((phase, number) => {
    phase.forEach((call, place) => {
      const meets = number > 0 && place === 0 ? 1 : 0;
      const { units, replicated } = call.partition;
      const [first, ...words] = call.kind === "loop"
        ? loopRecord(call, binding)
        : structured[call.name as StructuredName](call, binding);
      records.push([first, meets, units, replicated ? 0 : 1, ...words]);
    });
  });
  const words = new Uint32Array((records.length + 1) * recordWords);
  records.forEach((record, place) =>
    words.set(record.map((word) => word >>> 0), place * recordWords)
  );
  let start = 0;
  for (const phase of plan.phases) {
    const chains = findChains(phase, plan.buffers);
    for (const { first, length, units } of chains) {
      words.set([units, length], (start + first) * recordWords + chainWords);
    }
    for (const { first, length, least } of findClaims(phase, chains)) {
      words.set([least, length], (start + first) * recordWords + claimWords);
    }
    start += phase.length;
  }
  return words;
}

function loopRecord(call: LoopCall, binding: Binding): number[] {
  const { loads, stores } = call.kernel;
  const addresses = [...loads, ...stores].map(({ buffer, offset }) =>
    binding.address(buffer, offset)
  );
  return [kind.function, binding.functionIndex(call), binding.argumentBlock(addresses)];
}

function matmulRecord(call: StructuredCall, binding: Binding): number[] {
  const [a, b] = call.operands;
  const c = call.output;
  const [rows, columns] = c.shape.slice(-2);
  const inner = a.shape[a.shape.length - 1];
  const partition = { rows: 0, columns: 1, batches: 2 }[call.partition.axis];
  const place = ({ buffer, offset }: StridedOperand) => binding.address(buffer, offset);
  const strides = ({ strides }: StridedOperand) => strides.slice(-2);
  return [
    kind.matmul,
    ...[place(a), ...strides(a)],
    ...[place(b), ...unitStride(b)],
    ...[place(c), columns],
    ...[rows, columns, inner],
    ...[sizeOf(c.shape.slice(0, -2)), batchStride(a), batchStride(b), rows * columns],
    ...[partition, 0],
  ];
}

/** The kernel wants a stride of 1 in one of the axes, also where an axis has one element only. */
function unitStride({ shape, strides }: StridedOperand): number[] {
  const [row, column] = strides.slice(-2);
  const columns = shape[shape.length - 1];
  return row === 1 || column === 1 || columns > 1 ? [row, column] : [row, 1];
}

function batchStride({ shape, strides }: StridedOperand): number {
  for (let axis = shape.length - 3; axis >= 0; axis--) if (shape[axis] > 1) return strides[axis];
  return 0;
}

function gatherRecord(call: StructuredCall, binding: Binding): number[] {
  const [data, order, start] = call.operands;
  const { scale = 1, offset = 0 } = call.attributes as { scale?: number; offset?: number };
  const real = call.output.dtype === "f32";
  return [
    kind.gather,
    binding.address(data.buffer, data.offset),
    gatherKind(data.dtype, real),
    binding.address(order.buffer, order.offset),
    start ? binding.address(start.buffer, start.offset) : 0,
    sizeOf(data.shape.slice(1)),
    binding.address(call.output.buffer, call.output.offset),
    bitsOf(scale),
    bitsOf(offset),
    data.shape[0],
    sizeOf(order.shape),
  ];
}

function gatherKind(dtype: DType, real: boolean): number {
  if (dtype === "u8") return real ? 1 : 2;
  return dtype === "f32" ? 0 : 3;
}

function scatterRecord(call: StructuredCall, binding: Binding): number[] {
  const [updates, indices] = call.operands;
  const place = ({ buffer, offset }: StridedOperand) => binding.address(buffer, offset);
  return [
    kind.scatterAdd,
    ...[place(updates), place(indices), indices.shape[0]],
    ...[sizeOf(call.output.shape.slice(1)), place(call.output), call.output.shape[0]],
  ];
}

function segmentRecord(call: StructuredCall, binding: Binding): number[] {
  const [values, ids, order] = call.operands;
  const place = ({ buffer, offset }: StridedOperand) => binding.address(buffer, offset);
  const { empty = 0 } = call.attributes as { empty?: number };
  return [
    kind.segments,
    ...[place(values), place(ids), order ? place(order) : 0, ids.shape[0]],
    ...[sizeOf(call.output.shape.slice(1)), place(call.output), call.output.shape[0]],
    ...[
      call.name === "segmentMax" ? 1 : 0,
      bitsOf(empty),
      call.partition.axis === "columns" ? 1 : 0,
    ],
  ];
}

function bincountRecord({ operands: [x], output }: StructuredCall, binding: Binding): number[] {
  const place = ({ buffer, offset }: StridedOperand) => binding.address(buffer, offset);
  return [kind.bincount, place(x), place(output), x.shape[1], output.shape[1]];
}

function eliminateRecord({ operands: [a, b], output }: StructuredCall, binding: Binding): number[] {
  const place = ({ buffer, offset }: StridedOperand) => binding.address(buffer, offset);
  const [, size, width] = output.shape;
  return [kind.eliminate, place(a), b ? place(b) : 0, place(output), size, width - 1];
}

function choleskyRecord({ operands: [a], output }: StructuredCall, binding: Binding): number[] {
  const place = ({ buffer, offset }: StridedOperand) => binding.address(buffer, offset);
  return [kind.cholesky, place(a), place(output), output.shape[1]];
}

function bitsOf(value: number): number {
  return new Uint32Array(Float32Array.of(value).buffer)[0];
}
