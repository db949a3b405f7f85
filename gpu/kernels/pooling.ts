import { sizeOf } from "../../core/graph/shape.ts";
import type { Window } from "../../core/graph/window.ts";
import { indent, type ShaderBuilder } from "../shader_builder.ts";
import type { GpuCall } from "../call.ts";
import { emitFinish } from "./finish.ts";
import type { GpuKernel } from "./kernel.ts";
import { literalExpression } from "./literal.ts";
import { perElement } from "./loop.ts";
import type { Tuning } from "../tuning.ts";
import { eachTap, outputIndices, tapTurns } from "./window.ts";

/** Tells NaN by its bits: WGSL may assume that there is none. */
const isNaN = (value: string) => `(bitcast<u32>(${value}) & 0x7fffffffu) > 0x7f800000u`;

/** Folds each window; a thread an output. */
function foldKernel(fold: "sum" | "max" | "select"): GpuKernel {
  return {
    ownLanes: () => null,
    emit: (shader, call, tuning) => {
      const { operands: [x, values], output, window } = parts(call);
      const channels = output.shape[4];
      const at = `(image * ${sizeOf(x.shape.slice(1, 4))}u + place) * ${channels}u + channel`;
      const input = shader.load(x.buffer, "f32", `${shader.start(x)} + ${at}`);
      const chosen = values &&
        shader.load(values.buffer, "f32", `${shader.start(values)} + ${at}`);
      const body = fold === "sum" ? [`total += ${input};`] : [
        `let value = ${input};`,
        `if (value > largest || (${isNaN("value")} && !(${isNaN("largest")}))) {`,
        "  largest = value;",
        ...(chosen ? [`  total = ${chosen};`] : []),
        "}",
      ];
      const lines = [
        `let channel = e % ${channels}u;`,
        ...outputIndices(output.shape, `(e / ${channels}u)`),
        "var total = 0.0;",
        ...(fold === "sum"
          ? []
          : [`var largest = ${literalExpression(shader, -Infinity, "f32")};`]),
        ...eachTap(shader, window, x.shape, body),
        `${emitFinish(shader, call)}(e, ${fold === "max" ? "largest" : "total"});`,
      ];
      const name = `pool${shader.unique()}`;
      return elementFunction(shader, name, lines, output.shape, tuning, tapTurns(window));
    },
  };
}

/** The kernel of `sumPool`. */
export const sumPoolKernel: GpuKernel = foldKernel("sum");

/** The kernel of `maxPool`. */
export const maxPoolKernel: GpuKernel = foldKernel("max");

/** The kernel of `maxPoolSelect`. */
export const maxPoolSelectKernel: GpuKernel = foldKernel("select");

/**
 * Gradients of maxima. A thread an input asks the windows that see it, in order, whether it is their
 * largest: nothing is added to by two threads, so that the same bits come out at every run.
 */
export const maxPoolGradientKernel: GpuKernel = {
  ownLanes: () => null,
  emit: (shader, call, tuning) => {
    const { operands: [x, grad], output, window } = parts(call);
    const finish = emitFinish(shader, call);
    const [, depth, height, width, channels] = x.shape;
    const places = depth * height * width;
    const [, outDepth, outHeight, outWidth] = grad.shape;
    const input = shader.load(
      x.buffer,
      "f32",
      `${shader.start(x)} + (image * ${places}u + place) * ${channels}u + channel`,
    );
    const given = shader.load(
      grad.buffer,
      "f32",
      `${shader.start(grad)} + (((image * ${outDepth}u + outD) * ${outHeight}u + outH) * ` +
        `${outWidth}u + outW) * ${channels}u + channel`,
    );
    const ask = [
      `var largest = ${literalExpression(shader, -Infinity, "f32")};`,
      "var first = 0xffffffffu;",
      ...eachTap(shader, window, x.shape, [
        `let value = ${input};`,
        `if (value > largest || first == 0xffffffffu ||`,
        `  (${isNaN("value")} && !(${isNaN("largest")}))) {`,
        "  largest = value;",
        "  first = place;",
        "}",
      ]),
      `if (first == mine) { total += ${given}; }`,
    ];
    const lines = [
      `let channel = e % ${channels}u;`,
      `let mine = e / ${channels}u % ${places}u;`,
      `let image = e / ${channels * places}u;`,
      "var total = 0.0;",
      ...overWindows(window, 0, outDepth, `mine / ${width * height}u`, "outD", [
        ...overWindows(window, 1, outHeight, `mine / ${width}u % ${height}u`, "outH", [
          ...overWindows(window, 2, outWidth, `mine % ${width}u`, "outW", ask),
        ]),
      ]),
      `${finish}(e, total);`,
    ];
    const name = `poolGradient${shader.unique()}`;
    const windows = sizeOf(
      window.size.map((size, axis) =>
        Math.ceil(((size - 1) * window.dilation[axis] + 1) / window.strides[axis])
      ),
    );
    const turns = 3 * windows * (1 + tapTurns(window));
    return elementFunction(shader, name, lines, output.shape, tuning, turns);
  },
};

/** A loop over the outputs along an axis whose windows may see the input at `place`. */
function overWindows(
  window: Window,
  axis: 0 | 1 | 2,
  outputs: number,
  place: string,
  name: string,
  body: readonly string[],
): string[] {
  const stride = window.strides[axis];
  const reach = (window.size[axis] - 1) * window.dilation[axis];
  const at = `(i32(${place}) + ${window.before[axis]})`;
  const first = `u32(max(0, ${at} - ${reach} + ${stride - 1}) / ${stride})`;
  const last = `min(${outputs - 1}, ${at} / ${stride})`;
  return [
    `for (var ${name} = ${first}; i32(${name}) <= ${last}; ${name}++) {`,
    ...body.map((line) => `  ${line}`),
    "}",
  ];
}

function parts({ work }: GpuCall) {
  if (work.kind !== "structured") throw new Error("Cannot pool in another call");
  const { operands, output, attributes } = work.call;
  return { operands, output, window: attributes as unknown as Window };
}

function elementFunction(
  shader: ShaderBuilder,
  name: string,
  lines: readonly string[],
  shape: readonly number[],
  tuning: Tuning,
  turns: number,
): ReturnType<typeof perElement> {
  shader.declare(name, `fn ${name}(e: u32) {\n${indent(lines.join("\n"))}\n}`);
  return perElement(sizeOf(shape), tuning, `${name}(e);`, turns);
}
