import { sizeOf } from "../../core/graph/shape.ts";
import type { ConvolutionAttributes } from "../../core/graph/window.ts";
import type { GpuCall } from "../call.ts";
import { productSizes } from "../matrix.ts";
import { indent } from "../shader_builder.ts";
import { countedLoop } from "./counted_loop.ts";
import { emitFinish } from "./finish.ts";
import type { GpuKernel } from "./kernel.ts";
import { perElement } from "./loop.ts";
import { matmulKernel } from "./matmul.ts";
import { eachTap, oneTap, outputIndices, tapTurns } from "./window.ts";

/** Filters that a thread computes at once, so that an input is read once for all of them. */
const most = 8;

/**
 * A convolution: a product of matrices, or with groups, whose products are small, a thread an output
 * place and a few filters of one group.
 */
export const convolutionKernel: GpuKernel = withProduct((shader, call, tuning) => {
  const { operands: [x, kernel], output, attributes } = parts(call);
  const finish = emitFinish(shader, call);
  const filters = output.shape[4];
  const own = filters / attributes.groups;
  const channels = x.shape[4] / attributes.groups;
  const width = divisorUpTo(own, most);
  const across = filters / width;
  const input = `(image * ${sizeOf(x.shape.slice(1, 4))}u + place) * ${x.shape[4]}u + first`;
  const each = (line: (part: number) => string) => Array.from({ length: width }, (_, k) => line(k));
  const weight = (part: number) =>
    shader.load(
      kernel.buffer,
      "f32",
      `${shader.start(kernel)} + (tap * ${channels}u + c) * ${filters}u + feature + ${part}u`,
    );
  const lines = [
    `let feature = t % ${across}u * ${width}u;`,
    `let position = t / ${across}u;`,
    `let first = feature / ${own}u * ${channels}u;`,
    ...outputIndices(output.shape, "position"),
    ...each((part) => `var y${part} = 0.0;`),
    ...eachTap(shader, attributes, x.shape, [
      `let at = ${shader.start(x)} + ${input};`,
      `for (var c = 0u; c < ${channels}u; c++) {`,
      `  let value = ${shader.load(x.buffer, "f32", "at + c")};`,
      ...each((part) => `  y${part} = fma(value, ${weight(part)}, y${part});`),
      "}",
    ]),
    ...each((part) => `${finish}(position * ${filters}u + feature + ${part}u, y${part});`),
  ];
  const name = `convolution${shader.unique()}`;
  shader.declare(name, `fn ${name}(t: u32) {\n${indent(lines.join("\n"))}\n}`);
  const turns = tapTurns(attributes, channels);
  return perElement(sizeOf(output.shape) / width, tuning, `${name}(e);`, turns);
});

/**
 * The gradient of a kernel: a product of matrices, or with groups, a thread an element goes through
 * all outputs in order.
 */
export const convolutionKernelGradientKernel: GpuKernel = withProduct((shader, call, tuning) => {
  const { operands: [x, grad], output, attributes } = parts(call);
  const finish = emitFinish(shader, call);
  const [, outDepth, outHeight, outWidth, filters] = grad.shape;
  const own = filters / attributes.groups;
  const channels = output.shape[3];
  const places = sizeOf(x.shape.slice(1, 4));
  const input = shader.load(
    x.buffer,
    "f32",
    `${shader.start(x)} + (image * ${places}u + place) * ${x.shape[4]}u + channel`,
  );
  const given = shader.load(
    grad.buffer,
    "f32",
    `${shader.start(grad)} + (((image * ${outDepth}u + outD) * ${outHeight}u + outH) * ` +
      `${outWidth}u + outW) * ${filters}u + feature`,
  );
  const lines = [
    `let feature = e % ${filters}u;`,
    `let channel = e / ${filters}u % ${channels}u + feature / ${own}u * ${channels}u;`,
    `let mine = e / ${filters * channels}u;`,
    "var total = 0.0;",
    `for (var image = 0u; image < ${grad.shape[0]}u; image++) {`,
    `  for (var outD = 0u; outD < ${outDepth}u; outD++) {`,
    `    for (var outH = 0u; outH < ${outHeight}u; outH++) {`,
    ...countedLoop(
      "outW",
      "0u",
      outWidth,
      oneTap(shader, attributes, x.shape, [`total = fma(${input}, ${given}, total);`]),
      sizeOf(grad.shape.slice(0, 4)),
    ).map((line) => `      ${line}`),
    "    }",
    "  }",
    "}",
    `${finish}(e, total);`,
  ];
  const name = `kernelGradient${shader.unique()}`;
  shader.declare(name, `fn ${name}(e: u32) {\n${indent(lines.join("\n"))}\n}`);
  return perElement(sizeOf(output.shape), tuning, `${name}(e);`, sizeOf(grad.shape.slice(0, 4)));
});

/** The kernel of products for calls that are one, and `emitDirect` for the others. */
function withProduct(emitDirect: GpuKernel["emit"]): GpuKernel {
  return {
    ownLanes: (call, slices, tuning) =>
      productSizes(call) ? matmulKernel.ownLanes(call, slices, tuning) : null,
    emit: (shader, call, tuning) =>
      call.work.kind === "structured" && productSizes(call.work.call)
        ? matmulKernel.emit(shader, call, tuning)
        : emitDirect(shader, call, tuning),
  };
}

function parts({ work }: GpuCall) {
  if (work.kind !== "structured") throw new Error("Cannot convolve in another call");
  const { operands, output, attributes } = work.call;
  return { operands, output, attributes: attributes as unknown as ConvolutionAttributes };
}

/** The largest divisor of `size` up to `most`. */
function divisorUpTo(size: number, most: number): number {
  for (let divisor = Math.min(size, most); divisor > 1; divisor--) {
    if (size % divisor === 0) return divisor;
  }
  return 1;
}
