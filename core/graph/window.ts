import { ShapeError } from "./errors.ts";
import { formatShape, type Shape } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

/** Three numbers: for depth, height and width. */
export type Triple = readonly [number, number, number];

/**
 * How a window of weights or of a pooling goes over an input `[batch, depth, height, width,
 * channels]`: at output o and tap t it sees the place o·stride + t·dilation − before, in an input
 * whose neighbours lie `inputDilation` apart (with zeros between them).
 */
export interface Window {
  /** Taps along each axis. */
  readonly size: Triple;
  /** Places from one output to the next. */
  readonly strides: Triple;
  /** Zeros in front of the input; below 0 that many places are left out. */
  readonly before: Triple;
  /** Zeros after the input; below 0 that many places are left out. */
  readonly after: Triple;
  /** Places from one tap to the next. */
  readonly dilation: Triple;
  /** Places from one input to the next. */
  readonly inputDilation: Triple;
}

/** Settings of a convolution: its window and the number of groups. */
export interface ConvolutionAttributes extends Window {
  /** Groups of channels that do not mix. */
  readonly groups: number;
}

/** Numbers for the three axes, from a function of the axis. */
export function triple(value: (axis: 0 | 1 | 2) => number): Triple {
  return [value(0), value(1), value(2)];
}

/** Outputs along each axis. */
export function outputSizes(window: Window, sizes: Triple): Triple {
  return triple((axis) => {
    const padded = spread(sizes[axis], window.inputDilation[axis]) + window.before[axis] +
      window.after[axis];
    const reach = spread(window.size[axis], window.dilation[axis]);
    return Math.max(0, Math.floor((padded - reach) / window.strides[axis]) + 1);
  });
}

/**
 * The window that brings gradients back: over the outputs of `window`, it gives as many places as
 * `window` has inputs, each the sum over the taps that have seen it, from the last tap to the first.
 */
export function backwardWindow(window: Window, sizes: Triple): Window {
  const outputs = outputSizes(window, sizes);
  const before = triple((axis) =>
    spread(window.size[axis], window.dilation[axis]) - 1 - window.before[axis]
  );
  const after = triple((axis) =>
    spread(sizes[axis], window.inputDilation[axis]) - 1 - before[axis] +
    spread(window.size[axis], window.dilation[axis]) - spread(outputs[axis], window.strides[axis])
  );
  return {
    size: window.size,
    strides: window.inputDilation,
    before,
    after,
    dilation: window.dilation,
    inputDilation: window.strides,
  };
}

/** Channels and filters from which changing tiles pays, squares or lines, and outputs along a side. */
const winogradChannels = { square: 8, line: 16 };
const winogradOutputs = 4;
/** Channels in all depths of a window that the CPU has room for. */
const mostWinogradChannels = 1024;

/**
 * Whether the CPU multiplies changed tiles: windows of 3×3 or of three taps along a line, in any number
 * of depths, all places of which are seen. Of 6×6 inputs, 36 numbers for 4×4 outputs instead of 144; of
 * six inputs in a line, six for four outputs instead of twelve. Rounding errors are about twice those of
 * a sum.
 *
 * @param attributes The convolution.
 * @param x Shape of its input.
 * @param y Shape of its outputs.
 */
export function suitsWinograd(attributes: ConvolutionAttributes, x: Shape, y: Shape): boolean {
  const { size, strides, dilation, inputDilation, groups } = attributes;
  const ones = [...strides, ...dilation, ...inputDilation, groups].every((value) => value === 1);
  const isLine = size[1] === 1;
  const least = isLine ? winogradChannels.line : winogradChannels.square;
  return ones && size[2] === 3 && y[3] >= winogradOutputs &&
    (isLine || (size[1] === 3 && y[2] >= winogradOutputs)) &&
    Math.min(x[4], y[4]) >= least && size[0] * x[4] <= mostWinogradChannels &&
    x[4] % 4 === 0 && y[4] % 4 === 0;
}

/** The three sizes between batch and channels. */
export function spatial({ shape }: { readonly shape: Shape }): Triple {
  return [shape[1], shape[2], shape[3]];
}

/**
 * Walks the taps of one output that lie on inputs, in order.
 *
 * @param window The window.
 * @param sizes Sizes of the input.
 * @param output Index of the output along each axis.
 * @param visit Called with the tap's number and the input's number, both in row-major order.
 */
export function eachTap(
  window: Window,
  sizes: Triple,
  output: Triple,
  visit: (tap: number, place: number) => void,
): void {
  const { size, strides, before, dilation, inputDilation } = window;
  const at = (axis: 0 | 1 | 2, tap: number): number => {
    const place = output[axis] * strides[axis] + tap * dilation[axis] - before[axis];
    if (place < 0 || place % inputDilation[axis] !== 0) return -1;
    const index = place / inputDilation[axis];
    return index < sizes[axis] ? index : -1;
  };
  for (let tap = 0; tap < size[0] * size[1] * size[2]; tap++) {
    const z = at(0, Math.floor(tap / (size[1] * size[2])));
    const y = at(1, Math.floor(tap / size[2]) % size[1]);
    const x = at(2, tap % size[2]);
    if (z >= 0 && y >= 0 && x >= 0) visit(tap, (z * sizes[1] + y) * sizes[2] + x);
  }
}

/** Walks all outputs of a window. */
export function eachOutput(sizes: Triple, visit: (output: Triple, number: number) => void): void {
  let number = 0;
  for (let z = 0; z < sizes[0]; z++) {
    for (let y = 0; y < sizes[1]; y++) {
      for (let x = 0; x < sizes[2]; x++) visit([z, y, x], number++);
    }
  }
}

/**
 * Refuses what is not `[batch, depth, height, width, channels]`, and a window that fits nowhere.
 *
 * @throws {ShapeError} with the op's name.
 */
export function checkWindow(name: string, x: Tensor, window: Window): void {
  if (x.rank !== 5) {
    throw new ShapeError(
      `Cannot apply ${name} as its input must be [batch, depth, height, width, channels]: received ` +
        formatShape(x.shape),
    );
  }
  for (const key of ["size", "strides", "dilation", "inputDilation"] as const) {
    const wrong = window[key].find((value) => !Number.isInteger(value) || value < 1);
    if (wrong === undefined) continue;
    throw new ShapeError(
      `Cannot apply ${name} as ${key} must be whole numbers from 1: received ` +
        `[${window[key].join(", ")}]`,
    );
  }
  if (outputSizes(window, spatial(x)).every((size) => size > 0)) return;
  throw new ShapeError(
    `Cannot apply ${name} as its window must fit into the input: received a window of ` +
      `[${window.size.join(", ")}] (dilation [${window.dilation.join(", ")}]) over ` +
      `${formatShape(x.shape)} with [${window.before.join(", ")}] before and ` +
      `[${window.after.join(", ")}] after`,
  );
}

/** Length of `size` things that lie `dilation` apart. */
function spread(size: number, dilation: number): number {
  return size === 0 ? 0 : (size - 1) * dilation + 1;
}
