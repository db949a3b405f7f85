import type {
  Attributes,
  Inferred,
  ReferenceArray,
  StructuredOperation,
} from "../graph/operation.ts";
import { sizeOf } from "../graph/shape.ts";
import { commonDType, Tensor } from "../graph/tensor.ts";
import {
  backwardWindow,
  checkWindow,
  eachOutput,
  eachTap,
  outputSizes,
  spatial,
  type Window,
} from "../graph/window.ts";
import { register } from "./registry.ts";

// The ops of a maximum stand in one file because they are each other's gradients.

/** The op behind {@link sumPool}. */
const sumPoolOperation: StructuredOperation & { name: "sumPool" } = register({
  kind: "structured",
  name: "sumPool",
  infer: ([x], attributes) => inferOutputs("sumPool", x, attributes),
  reference: ([x], attributes, output) => {
    eachWindow(x, attributes, (taps, channel, at) => {
      for (const place of taps) output.data[at] += x.data[place + channel];
    });
  },
  work: (_inputs, output, attributes) => ({ flops: sizeOf(output) * taps(attributes) }),
  vjp: (grad, node) => {
    const [x] = node.inputs;
    return [sumPool(grad, backwardWindow(settings(node.attributes), spatial(x)))];
  },
});

/** The op behind {@link maxPool}. */
const maxPoolOperation: StructuredOperation & { name: "maxPool" } = register({
  kind: "structured",
  name: "maxPool",
  infer: ([x], attributes) => inferOutputs("maxPool", x, attributes),
  reference: ([x], attributes, output) => {
    eachWindow(x, attributes, (taps, channel, at) => {
      const largest = largestTap(x, taps, channel);
      output.data[at] = largest === undefined ? -Infinity : x.data[largest];
    });
  },
  work: (_inputs, output, attributes) => ({ flops: sizeOf(output) * taps(attributes) }),
  vjp: (grad, node) => [
    Tensor.node(maxPoolGradientOperation, [node.inputs[0], grad], node.attributes),
  ],
});

/** Gives each window's gradient to its largest input: `[x, gradient of the outputs]`. */
const maxPoolGradientOperation: StructuredOperation & { name: "maxPoolGradient" } = register(
  {
    kind: "structured",
    name: "maxPoolGradient",
    infer: ([x, grad]) => ({
      shape: x.shape,
      dtype: commonDType("maxPoolGradient", [x, grad], ["f32"]),
    }),
    reference: ([x, grad], attributes, output) => {
      eachWindow(x, attributes, (taps, channel, at) => {
        const largest = largestTap(x, taps, channel);
        if (largest !== undefined) output.data[largest] += grad.data[at];
      });
    },
    work: ([, grad], _output, attributes) => ({ flops: sizeOf(grad) * (taps(attributes) + 1) }),
    vjp: (upstream, node) => [
      null,
      Tensor.node(maxPoolSelectOperation, [node.inputs[0], upstream], node.attributes),
    ],
  },
);

/** What stands in `values` where each window's largest input stands in `x`: `[x, values]`. */
const maxPoolSelectOperation: StructuredOperation & { name: "maxPoolSelect" } = register({
  kind: "structured",
  name: "maxPoolSelect",
  infer: ([x, values], attributes) => ({
    ...inferOutputs("maxPoolSelect", x, attributes),
    dtype: commonDType("maxPoolSelect", [x, values], ["f32"]),
  }),
  reference: ([x, values], attributes, output) => {
    eachWindow(x, attributes, (taps, channel, at) => {
      const largest = largestTap(x, taps, channel);
      output.data[at] = largest === undefined ? 0 : values.data[largest];
    });
  },
  work: (_inputs, output, attributes) => ({ flops: sizeOf(output) * taps(attributes) }),
  vjp: (grad, node) => [
    null,
    Tensor.node(maxPoolGradientOperation, [node.inputs[0], grad], node.attributes),
  ],
});

/** Places of a window. */
function taps(attributes: Attributes): number {
  return sizeOf(settings(attributes).size);
}

/**
 * The largest input under each window; places outside the input are never the largest.
 *
 * The gradient goes to the first of equal ones, in the order of depth, height, width; NaN is larger
 * than any number. (Keras and PyTorch: the same.)
 *
 * @param x `[batch, depth, height, width, channels]`, f32.
 * @param window The window; its `inputDilation` is 1.
 * @returns `[batch, depth, height, width, channels]`, f32.
 * @throws {ShapeError} when the window fits nowhere.
 *
 * @example
 * ```ts
 * import { maxPool, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const x = tensor([3, 1, 2, 5]).reshape([1, 1, 1, 4, 1]);
 * const ones = [1, 1, 1] as const;
 * const none = [0, 0, 0] as const;
 * const window = {
 *   size: [1, 1, 2], strides: [1, 1, 2], before: none, after: none, dilation: ones,
 *   inputDilation: ones,
 * } as const;
 * assert.deepEqual([...await maxPool(x, window).data()], [3, 5]);
 * ```
 */
export function maxPool(x: Tensor, window: Window): Tensor {
  checkWindow("maxPool", x, window);
  return Tensor.node(maxPoolOperation, [x], { ...plain(window) });
}

/**
 * The sum of the inputs under each window.
 *
 * @param x `[batch, depth, height, width, channels]`, f32.
 * @param window The window.
 * @returns `[batch, depth, height, width, channels]`, f32.
 * @throws {ShapeError} when the window fits nowhere.
 *
 * @example
 * ```ts
 * import { sumPool, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const x = tensor([3, 1, 2, 5]).reshape([1, 1, 1, 4, 1]);
 * const ones = [1, 1, 1] as const;
 * const none = [0, 0, 0] as const;
 * const window = {
 *   size: [1, 1, 2], strides: [1, 1, 2], before: none, after: none, dilation: ones,
 *   inputDilation: ones,
 * } as const;
 * assert.deepEqual([...await sumPool(x, window).data()], [4, 7]);
 * ```
 *
 * JAX: `lax.reduce_window` with `lax.add`.
 */
export function sumPool(x: Tensor, window: Window): Tensor {
  checkWindow("sumPool", x, window);
  return Tensor.node(sumPoolOperation, [x], { ...plain(window) });
}

function inferOutputs(name: string, x: Tensor, attributes: Attributes): Inferred {
  const outputs = outputSizes(settings(attributes), spatial(x));
  return {
    shape: [x.shape[0], ...outputs, x.shape[4]],
    dtype: commonDType(name, [x], ["f32"]),
  };
}

/** Calls `visit` for every window and channel: places of its inputs, the channel, the output. */
function eachWindow(
  x: ReferenceArray,
  attributes: Attributes,
  visit: (taps: readonly number[], channel: number, output: number) => void,
): void {
  const window = settings(attributes);
  const sizes = spatial(x);
  const outputs = outputSizes(window, sizes);
  const channels = x.shape[4];
  for (let image = 0; image < x.shape[0]; image++) {
    eachOutput(outputs, (output, number) => {
      const taps: number[] = [];
      eachTap(window, sizes, output, (_tap, place) => {
        taps.push((image * sizeOf(sizes) + place) * channels);
      });
      const at = (image * sizeOf(outputs) + number) * channels;
      for (let channel = 0; channel < channels; channel++) visit(taps, channel, at + channel);
    });
  }
}

/** Place of the first largest input of a window, NaN above all. */
function largestTap(
  x: ReferenceArray,
  taps: readonly number[],
  channel: number,
): number | undefined {
  let best: number | undefined;
  for (const place of taps) {
    const at = place + channel;
    const known = best === undefined ? -Infinity : x.data[best];
    if (
      best === undefined || x.data[at] > known || (x.data[at] !== x.data[at] && known === known)
    ) {
      best = at;
    }
  }
  return best;
}

function settings(attributes: Attributes): Window {
  return attributes as unknown as Window;
}

/** The settings in one order, whoever has given them: nodes are told apart by their text. */
function plain({ size, strides, before, after, dilation, inputDilation }: Window): Window {
  return { size, strides, before, after, dilation, inputDilation };
}
