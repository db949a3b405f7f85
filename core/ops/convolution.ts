import { ShapeError } from "../graph/errors.ts";
import type { Attributes, StructuredOperation } from "../graph/operation.ts";
import { formatShape, sizeOf } from "../graph/shape.ts";
import { commonDType, Tensor } from "../graph/tensor.ts";
import {
  backwardWindow,
  checkWindow,
  type ConvolutionAttributes,
  eachOutput,
  eachTap,
  outputSizes,
  spatial,
} from "../graph/window.ts";
import { iota } from "../graph/leaf.ts";
import { gather } from "./gather.ts";
import { register } from "./registry.ts";
import { reshape } from "./reshape.ts";
import { sub } from "./sub.ts";
import { transpose } from "./transpose.ts";

// The two ops stand in one file because each is in the other's gradient.

/** The op behind {@link convolution}: `[x, kernel]`. */
const convolutionOperation: StructuredOperation & { name: "convolution" } = register({
  kind: "structured",
  name: "convolution",
  infer: ([x, kernel], attributes) => ({
    shape: [x.shape[0], ...outputSizes(settings(attributes), spatial(x)), kernel.shape[4]],
    dtype: commonDType("convolution", [x, kernel], ["f32"]),
  }),
  reference: ([x, kernel], attributes, output) => {
    eachProduct(settings(attributes), x.shape, output.shape, (xAt, kernelAt, outputAt) => {
      output.data[outputAt] += x.data[xAt] * kernel.data[kernelAt];
    });
  },
  // Taps on padding count, too.
  work: ([, kernel], output) => ({ flops: 2 * sizeOf(output) * sizeOf(kernel.slice(0, 4)) }),
  vjp: (grad, node) => {
    const [x, kernel] = node.inputs;
    const attributes = settings(node.attributes);
    return [
      towardsInput(grad, kernel, attributes, x),
      convolutionKernelGradient(x, grad, attributes),
    ];
  },
});

/** The op behind the gradient of a convolution's kernel: `[x, gradient of the outputs]`. */
const convolutionKernelGradientOperation:
  & StructuredOperation
  & { name: "convolutionKernelGradient" } = register({
    kind: "structured",
    name: "convolutionKernelGradient",
    infer: ([x, grad], attributes) => {
      const { size, groups } = settings(attributes);
      return {
        shape: [...size, x.shape[4] / groups, grad.shape[4]],
        dtype: commonDType("convolutionKernelGradient", [x, grad], ["f32"]),
      };
    },
    reference: ([x, grad], attributes, output) => {
      eachProduct(settings(attributes), x.shape, grad.shape, (xAt, kernelAt, gradAt) => {
        output.data[kernelAt] += x.data[xAt] * grad.data[gradAt];
      });
    },
    work: ([, grad], output) => ({ flops: 2 * sizeOf(grad) * sizeOf(output.slice(0, 4)) }),
    vjp: (upstream, node) => {
      const [x, grad] = node.inputs;
      const attributes = settings(node.attributes);
      return [
        towardsInput(grad, upstream, attributes, x),
        convolution(x, upstream, attributes),
      ];
    },
  });

/**
 * Cross-correlation, as networks call convolution: every output is the sum of products of the
 * inputs under a window with the kernel.
 *
 * y[n, o, f] = Σ x[n, o·stride + t·dilation − before, c] · kernel[t, c, f], over taps t and channels
 * c of the group of f.
 *
 * @param x `[batch, depth, height, width, channels]`, f32.
 * @param kernel `[depth, height, width, channels / groups, filters]`, f32.
 * @param options The window without its size, and the number of groups.
 * @returns `[batch, depth, height, width, filters]`, f32.
 * @throws {ShapeError} when shapes do not fit, or the window fits nowhere.
 *
 * @example
 * ```ts
 * import { convolution, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const x = tensor([1, 2, 3, 4]).reshape([1, 1, 1, 4, 1]);
 * const kernel = tensor([1, -1]).reshape([1, 1, 2, 1, 1]);
 * const ones = [1, 1, 1] as const;
 * const none = [0, 0, 0] as const;
 * const window = { strides: ones, before: none, after: none, dilation: ones, inputDilation: ones };
 * const y = convolution(x, kernel, { ...window, groups: 1 });
 * assert.deepEqual([...await y.data()], [-1, -1, -1]);
 * ```
 *
 * JAX: `lax.conv_general_dilated`, channels last. Layers such as `conv2d` are the way to it.
 */
export function convolution(
  x: Tensor,
  kernel: Tensor,
  options: Omit<ConvolutionAttributes, "size">,
): Tensor {
  if (kernel.rank !== 5) {
    throw new ShapeError(
      `Cannot apply convolution as its kernel must be [depth, height, width, channels, filters]: ` +
        `received ${formatShape(kernel.shape)}`,
    );
  }
  const [depth, height, width, channels, filters] = kernel.shape;
  const { groups } = options;
  const attributes = plain({ ...options, size: [depth, height, width] });
  checkWindow("convolution", x, attributes);
  const isEmpty = channels === 0 || filters === 0;
  if (isEmpty || x.shape[4] !== channels * groups || filters % groups !== 0) {
    throw new ShapeError(
      `Cannot apply convolution as channels must be groups times those of the kernel, and filters ` +
        `a multiple of groups, from 1: received input ${formatShape(x.shape)}, kernel ` +
        `${formatShape(kernel.shape)} and ${groups} groups`,
    );
  }
  return Tensor.node(convolutionOperation, [x, kernel], { ...attributes });
}

/** The gradient of a kernel from the inputs and the gradient of the outputs. */
function convolutionKernelGradient(
  x: Tensor,
  grad: Tensor,
  attributes: ConvolutionAttributes,
): Tensor {
  const { strides, inputDilation, groups } = attributes;
  // Between inputs that lie apart a window sees zeros; the way back, in each other's place, none.
  if (sizeOf(inputDilation) > sizeOf(strides)) {
    const back = plain({ ...backwardWindow(attributes, spatial(x)), groups });
    return turned(Tensor.node(convolutionKernelGradientOperation, [grad, x], { ...back }), groups);
  }
  return Tensor.node(convolutionKernelGradientOperation, [x, grad], { ...attributes });
}

/** The gradient of a convolution's input: a convolution of the outputs' with the kernel turned. */
function towardsInput(
  grad: Tensor,
  kernel: Tensor,
  attributes: ConvolutionAttributes,
  x: Tensor,
): Tensor {
  const { groups } = attributes;
  const window = backwardWindow(attributes, spatial(x));
  return convolution(grad, turned(kernel, groups), { ...window, groups });
}

/**
 * The kernel of the way back: taps from the last to the first, channels and filters of each group in
 * each other's place.
 */
export function turned(kernel: Tensor, groups: number): Tensor {
  const [depth, height, width, channels, filters] = kernel.shape;
  const taps = depth * height * width;
  const rows = reshape(kernel, [taps, channels, groups, filters / groups]);
  const back = taps === 1 ? rows : gather(rows, sub(taps - 1, iota([taps], 0)));
  return reshape(
    transpose(back, [0, 3, 2, 1]),
    [depth, height, width, filters / groups, groups * channels],
  );
}

/** Calls `visit` for every product of a convolution with the places of input, kernel and output. */
function eachProduct(
  attributes: ConvolutionAttributes,
  x: readonly number[],
  y: readonly number[],
  visit: (x: number, kernel: number, output: number) => void,
): void {
  const sizes = spatial({ shape: x });
  const outputs = spatial({ shape: y });
  const [channels, filters] = [x[4] / attributes.groups, y[4]];
  for (let image = 0; image < x[0]; image++) {
    eachOutput(outputs, (output, number) => {
      eachTap(attributes, sizes, output, (tap, place) => {
        for (let filter = 0; filter < filters; filter++) {
          const group = Math.floor(filter * attributes.groups / filters);
          for (let channel = 0; channel < channels; channel++) {
            visit(
              (image * sizeOf(sizes) + place) * x[4] + group * channels + channel,
              (tap * channels + channel) * filters + filter,
              (image * sizeOf(outputs) + number) * filters + filter,
            );
          }
        }
      });
    });
  }
}

function settings(attributes: Attributes): ConvolutionAttributes {
  return attributes as unknown as ConvolutionAttributes;
}

/** The settings in one order, whoever has given them: nodes are told apart by their text. */
function plain(attributes: ConvolutionAttributes): ConvolutionAttributes {
  const { size, strides, before, after, dilation, inputDilation, groups } = attributes;
  return { size, strides, before, after, dilation, inputDilation, groups };
}
