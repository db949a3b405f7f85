/** What a record of the plan asks for: the kernel of its kind, with its operands. */
import { attention, attentionGradient } from "./attention";
import { bincount } from "./bincount";
import { cholesky } from "./cholesky";
import { convolution, tileBytes, tileSize } from "./convolution";
import { isDepthwise } from "./depthwise";
import { depthwiseKernelGradient } from "./depthwise_gradient";
import { kernelGradient } from "./gradient";
import { ctcPaths, ctcPosteriors } from "./ctc";
import { eliminate } from "./eliminate";
import { gather, scatterAdd } from "./gather";
import { forget, hold, matmul } from "./matmul";
import { least } from "./pack";
import { pool } from "./pooling";
import { recurrence } from "./recurrence";
import { recurrenceGradient } from "./recurrence_gradient";
import { segments } from "./segment";
import { mergeRuns, sortRuns } from "./sort";
import { sampleImage, sampleImageGradient } from "./sampling";
import { sparseBytes } from "./sparse";
import { channelsOf, isWinograd } from "./window";
import { winogradBytes } from "./winograd";
import { winogradGradient } from "./winograd_gradient";

/** Bytes for packed operands of a product or of Winograd's tiles. */
const packedBytes: i32 = <i32> sparseBytes > winogradBytes ? <i32> sparseBytes : winogradBytes;
/** Bytes of scratch each thread owns: those, and the tile of a convolution. */
export const scratchBytes: i32 = packedBytes + tileBytes;

function product(record: usize, start: i32, end: i32, scratch: usize): void {
  let a = <usize> load<u32>(record, 16);
  let b = <usize> load<u32>(record, 28);
  let c = <usize> load<u32>(record, 40);
  let rowStart = 0;
  let rowEnd = load<i32>(record, 48);
  let columnStart = 0;
  let columnEnd = load<i32>(record, 52);
  let batch = load<i32>(record, 60);
  const aBatch = <usize> load<u32>(record, 64) * 4;
  const bBatch = <usize> load<u32>(record, 68) * 4;
  const cBatch = <usize> load<u32>(record, 72) * 4;
  const partition = load<u32>(record, 76);
  if (partition == 0) {
    rowStart = start;
    rowEnd = end;
  } else if (partition == 1) {
    columnStart = start;
    columnEnd = end;
  } else {
    a += <usize> start * aBatch;
    b += <usize> start * bBatch;
    c += <usize> start * cBatch;
    batch = end - start;
  }
  hold(partition == 0 && batch == 1 ? record : 0);
  for (; batch > 0; --batch) {
    matmul(
      a,
      load<i32>(record, 20),
      load<i32>(record, 24),
      b,
      load<i32>(record, 32),
      load<i32>(record, 36),
      c,
      load<i32>(record, 44),
      rowStart,
      rowEnd,
      columnStart,
      columnEnd,
      load<i32>(record, 56),
      scratch,
      load<i32>(record, 80),
    );
    a += aBatch;
    b += bBatch;
    c += cBatch;
  }
}

/**
 * Units of the gradient of a convolution's kernel: four channels where each is by itself and for
 * Winograd's tiles, else a row.
 */
function gradientOfKernel(
  x: usize,
  grad: usize,
  y: usize,
  block: usize,
  start: i32,
  end: i32,
  scratch: usize,
  tile: usize,
): void {
  const channels = least(4 * end, channelsOf(block));
  if (isDepthwise(block)) depthwiseKernelGradient(x, grad, y, block, 4 * start, channels);
  else if (isWinograd(block)) {
    const patch = tile + <usize> tileSize;
    winogradGradient(x, grad, y, block, 4 * start, channels, scratch, tile, tileSize, patch);
  } else kernelGradient(x, grad, y, block, start, end, scratch, tile, tileBytes / 4);
}

/** Convolution and pooling. */
function windowed(kind: u32, record: usize, start: i32, end: i32, scratch: usize): void {
  const x = <usize> load<u32>(record, 16);
  const other = <usize> load<u32>(record, 20);
  const y = <usize> load<u32>(record, 24);
  const block = <usize> load<u32>(record, 28);
  const units = load<i32>(record, 8);
  const tile = scratch + <usize> packedBytes;
  if (kind == 6) convolution(x, other, y, block, units, start, end, scratch, tile);
  else if (kind == 7) gradientOfKernel(x, other, y, block, start, end, scratch, tile);
  else pool(x, other, y, block, load<i32>(record, 32), units, start, end, tile);
}

/** Does units [start,end) of one record. */
export function run(record: usize, start: i32, end: i32, scratch: usize): void {
  const kind = load<u32>(record);
  if (kind > 2) forget();
  hold(0);
  if (kind == 1) {
    call_indirect<void>(load<u32>(record, 16), start, end, record + 20);
  } else if (kind == 2) {
    product(record, start, end, scratch);
  } else if (kind == 3) {
    gather(record, start, end);
  } else if (kind == 5) {
    scatterAdd(record, start, end);
  } else if (kind == 9) {
    hold(record);
    recurrence(record, start, end, scratch, scratch + <usize> packedBytes);
  } else if (kind == 10) {
    hold(record);
    recurrenceGradient(record, start, end, scratch, scratch + <usize> packedBytes);
  } else if (kind == 11) {
    segments(record, start, end);
  } else if (kind == 12) {
    sampleImage(record, start, end);
  } else if (kind == 13) {
    sampleImageGradient(record, start, end);
  } else if (kind == 14) {
    attention(record, start, end, scratch, scratch + <usize> packedBytes);
  } else if (kind == 15) {
    attentionGradient(record, start, end, scratch, scratch + <usize> packedBytes);
  } else if (kind == 16) {
    ctcPaths(record, start, end);
  } else if (kind == 17) {
    ctcPosteriors(record, start, end, scratch);
  } else if (kind == 20) {
    bincount(record, start, end);
  } else if (kind == 22) {
    cholesky(record, start, end);
  } else if (kind == 21) {
    eliminate(record, start, end, scratch);
  } else if (kind == 18) {
    sortRuns(record, start, end);
  } else if (kind == 19) {
    mergeRuns(record, start, end);
  } else if (kind >= 6) {
    windowed(kind, record, start, end, scratch);
  } else {
    const size = <usize> load<u32>(record, 24);
    const from = <usize> load<u32>(record, 16) + <usize> start * size;
    const to = <usize> load<u32>(record, 20) + <usize> start * size;
    memory.copy(to, from, <usize> (end - start) * size);
  }
}

