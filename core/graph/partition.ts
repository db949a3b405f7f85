import { type AttentionAttributes, attentionUnits } from "./attention.ts";
import { collapse, type LoopKernel, type LoopOperand } from "./loop.ts";
import type { BufferSpec, LoopCall, Partition, StridedOperand, StructuredCall } from "./call.ts";
import { type Label, loopLabel, structuredLabel } from "./label.ts";
import type { StructuredOperation } from "./operation.ts";
import { sizeOf } from "./shape.ts";
import type { Tensor } from "./tensor.ts";
import { type ConvolutionAttributes, suitsWinograd } from "./window.ts";

/** Loop steps up to which a call with one unit is done by every thread for itself. */
const tiny = 1024;

/** A fused loop with its dimensions merged and its work divided along its first axis. */
export function loopCall(
  kernel: LoopKernel,
  nodes: readonly Tensor[],
  buffers: readonly BufferSpec[],
): LoopCall {
  return labelledLoop(kernel, loopLabel(kernel, nodes, buffers), buffers);
}

/** {@link loopCall} with its label at hand. */
export function labelledLoop(
  kernel: LoopKernel,
  label: Label,
  buffers: readonly BufferSpec[],
): LoopCall {
  const outputRank = kernel.shape.length - kernel.reduced;
  const axis = kernel.shape.findIndex((size, place) => place < outputRank && size !== 1);
  const units = axis < 0 ? 1 : kernel.shape[axis];
  const inLine = (operand: LoopOperand): boolean => {
    if (axis < 0) return false;
    const chunk = operand.strides[axis];
    const inside = operand.strides.reduce(
      (sum, stride, place) => place === axis ? sum : sum + stride * (kernel.shape[place] - 1),
      0,
    );
    return operand.offset === 0 && inside < chunk &&
      chunk * units === buffers[operand.buffer].elements;
  };
  const reads = touched(kernel.loads, inLine);
  const writes = touched(kernel.stores, inLine);
  const inArena = kernel.stores.every((store) => buffers[store.buffer].leaf === null);
  const replicated = axis < 0 && inArena && sizeOf(kernel.shape) <= tiny;
  return {
    kind: "loop",
    kernel: collapse(kernel),
    partition: { units, replicated, reads, writes },
    label,
  };
}

function touched(
  operands: readonly LoopOperand[],
  inLine: (operand: LoopOperand) => boolean,
): Map<number, boolean> {
  const result = new Map<number, boolean>();
  for (const operand of operands) {
    const before = result.get(operand.buffer) ?? true;
    result.set(operand.buffer, before && inLine(operand));
  }
  return result;
}

/** A call of a structured op's kernel, divided along rows, columns or batches. */
export function structuredCall(
  node: Tensor,
  operation: StructuredOperation,
  operands: readonly StridedOperand[],
  output: StridedOperand,
  buffers: readonly BufferSpec[],
): StructuredCall {
  const { name } = operation;
  const { axis, units, follow } = division(node);
  const reads = new Map<number, boolean>();
  operands.forEach((operand, place) => {
    const inLine = place < follow && operand.offset === 0 &&
      isInLine(operand, units, buffers[operand.buffer].elements);
    reads.set(operand.buffer, (reads.get(operand.buffer) ?? true) && inLine);
  });
  const writes = new Map([[output.buffer, axis !== "columns" && output.offset === 0]]);
  const partition: Partition & { axis: typeof axis } = {
    units,
    replicated: false,
    reads,
    writes,
    axis,
  };
  return {
    kind: "structured",
    name,
    attributes: node.attributes,
    operands,
    output,
    partition,
    work: operation.work(node.inputs.map(({ shape }) => shape), node.shape, node.attributes),
    label: structuredLabel(node, operands, buffers),
  };
}

/** Each of `units` pieces of the buffer is read by the unit of the same number alone. */
function isInLine(operand: StridedOperand, units: number, elements: number): boolean {
  const chunk = elements / units;
  const axis = operand.shape.findIndex((size) => size !== 1);
  if (axis < 0) return units === 1;
  const inside = operand.strides.reduce(
    (sum, stride, place) => place <= axis ? sum : sum + stride * (operand.shape[place] - 1),
    0,
  );
  return operand.shape[axis] === units && operand.strides[axis] === chunk && inside < chunk;
}

/** How a structured op is divided. */
interface Division {
  readonly axis: "rows" | "columns" | "batches";
  readonly units: number;
  /** How many of its first operands are divided as the result is, if they lie so. */
  readonly follow: number;
}

function division(node: Tensor): Division {
  switch (node.operation.name) {
    case "matmul":
      return matmulDivision(node);
    case "gather":
      return { axis: "rows", units: node.shape[0], follow: 0 };
    case "scatterAdd":
      return { axis: "columns", units: sizeOf(node.shape.slice(1)), follow: 0 };
    case "segmentSum":
    case "segmentMax":
      return segmentDivision(node);
    case "recurrenceSteps":
    case "recurrenceGradient":
      // Rows of the batch, each of which lies in pieces, a step apart: as columns do.
      return { axis: "columns", units: node.shape[1], follow: 0 };
    case "attention":
    case "attentionGradient":
      return { axis: "columns", units: attentionDivision(node), follow: 0 };
    case "sortRuns":
    case "mergeRuns":
      return { axis: "columns", units: sortDivision(node), follow: 0 };
    case "bincount":
    case "eliminate":
    case "cholesky":
      return { axis: "rows", units: node.shape[0], follow: 1 };
    case "ctcPaths":
    case "ctcPosteriors":
      return { axis: "rows", units: node.shape[0], follow: 4 };
    case "convolutionKernelGradient":
      return kernelGradientDivision(node);
    case "sampleImage":
      if (node.shape[0] >= 8) return { axis: "rows", units: node.shape[0], follow: 3 };
      return { axis: "rows", units: node.shape[0] * node.shape[1], follow: 0 };
    case "sampleImageGradient":
      return { axis: "rows", units: node.shape[0], follow: 3 };
    case "maxPoolGradient":
      return { axis: "rows", units: node.shape[0], follow: 2 };
    default: {
      // Windows: images, or lines of outputs where images are few.
      const [images, depth, height] = node.shape;
      if (images < 8) return { axis: "rows", units: images * depth * height, follow: 0 };
      return {
        axis: "rows",
        units: images,
        follow: node.operation.name === "maxPoolSelect" ? 2 : 1,
      };
    }
  }
}

/**
 * Rows of the kernel; of changed tiles, and where each channel is by itself, four channels, whose rows
 * lie apart, as columns do.
 */
function kernelGradientDivision({ shape, inputs: [x, grad], attributes }: Tensor): Division {
  const settings = attributes as unknown as ConvolutionAttributes;
  const [channels, filters] = [x.shape[4], grad.shape[4]];
  const { groups } = settings;
  const alone = groups > 1 && groups === channels && groups === filters;
  return alone || suitsWinograd(settings, x.shape, grad.shape)
    ? { axis: "columns", units: Math.ceil(channels / 4), follow: 0 }
    : { axis: "rows", units: sizeOf(shape.slice(0, 4)), follow: 0 };
}

/** Segments, or columns where segments are few. */
function segmentDivision({ shape: [segments, ...row] }: Tensor): Division {
  const columns = sizeOf(row);
  return segments >= Math.min(64, columns)
    ? { axis: "rows", units: segments, follow: 0 }
    : { axis: "columns", units: columns, follow: 0 };
}

/** Stretches that are sorted each for itself; what is found lies in two pieces. */
function sortDivision({ operation, shape: [, lines, size], attributes }: Tensor): number {
  const runs = operation.name === "mergeRuns" ? 2 : 1;
  return lines * Math.ceil(size / (runs * (attributes.run as number)));
}

/** Heads, or blocks of their queries and keys, which lie in pieces. */
function attentionDivision(node: Tensor): number {
  const shapes = node.inputs.map(({ shape }) => shape);
  const { queries, keys, whole } = attentionUnits(
    shapes,
    node.attributes as unknown as AttentionAttributes,
    node.operation.name !== "attention",
  );
  return queries + keys + whole;
}

function matmulDivision(node: Tensor): Division {
  const axis = matmulAxis(node);
  const [rows, columns] = node.shape.slice(-2);
  if (axis === "rows") return { axis, units: rows, follow: 1 };
  if (axis === "columns") return { axis, units: columns, follow: 0 };
  return { axis, units: sizeOf(node.shape.slice(0, -2)), follow: 2 };
}

/**
 * Rows keep a batch's work with one thread. Columns are for a wide second operand: each thread
 * then packs its own part of it only.
 */
function matmulAxis(node: Tensor): "rows" | "columns" | "batches" {
  if (sizeOf(node.shape.slice(0, -2)) > 1) return "batches";
  const [rows, columns] = node.shape.slice(-2);
  const inner = node.inputs[0].shape[node.inputs[0].rank - 1];
  const wide = columns >= 32 && inner * columns >= 32768 && rows <= 256;
  return wide || (rows < 8 && columns >= 16) ? "columns" : "rows";
}
