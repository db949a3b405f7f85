import type { StructuredCall } from "../../core/graph/call.ts";
import { farthestPixel, type SamplingAttributes } from "../../core/graph/sampling.ts";
import { sizeOf } from "../../core/graph/shape.ts";
import { indent, type ShaderBuilder } from "../shader_builder.ts";
import type { GpuCall } from "../call.ts";
import { countedLoop } from "./counted_loop.ts";
import { emitFinish } from "./finish.ts";
import type { GpuKernel } from "./kernel.ts";
import { literalExpression } from "./literal.ts";
import { perElement } from "./loop.ts";

/** Pictures sampled at any coordinates; a thread an element of the result. */
export const sampleImageKernel: GpuKernel = {
  ownLanes: () => null,
  emit: (shader, call, tuning) => {
    const { operands: [images, y, x], output, attributes } = structured(call);
    const [, height, width, channels] = images.shape;
    const { fillMode, fillValue } = attributes as unknown as SamplingAttributes;
    const pixel = pixelFunction(shader, fillMode);
    const place = `(image * ${height * width}u + u32(p) * ${width}u + u32(q)) * ${channels}u`;
    const value = shader.load(images.buffer, "f32", `${shader.start(images)} + ${place} + channel`);
    const neighbours = [0, 1].flatMap((k) =>
      [0, 1].flatMap((l) => [
        "{",
        `  let p = ${pixel}(top + ${k}, ${height});`,
        `  let q = ${pixel}(left + ${l}, ${width});`,
        `  let weight = ${k ? "down" : "(1.0 - down)"} * ${l ? "right" : "(1.0 - right)"};`,
        ...(fillMode === "constant"
          ? [
            `  var value = ${literalExpression(shader, fillValue, "f32")};`,
            `  if (p >= 0 && q >= 0) { value = ${value}; }`,
            "  total += weight * value;",
          ]
          : [`  total += weight * ${value};`]),
        "}",
      ])
    );
    const points = sizeOf(y.shape.slice(1));
    const lines = [
      `let channel = e % ${channels}u;`,
      `let point = e / ${channels}u;`,
      `let image = point / ${points}u;`,
      ...pointLines(shader, y, x),
      "var total = 0.0;",
      ...neighbours,
      `${emitFinish(shader, call)}(e, total);`,
    ];
    const name = `sample${shader.unique()}`;
    shader.declare(name, `fn ${name}(e: u32) {\n${indent(lines.join("\n"))}\n}`);
    return perElement(sizeOf(output.shape), tuning, `${name}(e);`);
  },
};

/**
 * Gradients of what was sampled. A thread a pixel asks all points of its picture, in order, whether
 * they lie beside it: nothing is added to by two threads, so that the same bits come out at every run.
 */
export const sampleImageGradientKernel: GpuKernel = {
  ownLanes: () => null,
  emit: (shader, call, tuning) => {
    const { operands: [grad, y, x], output, attributes } = structured(call);
    const [, height, width, channels] = output.shape;
    const { fillMode } = attributes as unknown as SamplingAttributes;
    const pixel = pixelFunction(shader, fillMode);
    const points = sizeOf(y.shape.slice(1));
    const given = shader.load(
      grad.buffer,
      "f32",
      `${shader.start(grad)} + point * ${channels}u + channel`,
    );
    const share = (index: string, place: string, size: number, weight: string) =>
      `select(0.0, 1.0 - ${weight}, ${pixel}(${index}, ${size}) == ${place}) + ` +
      `select(0.0, ${weight}, ${pixel}(${index} + 1, ${size}) == ${place})`;
    const lines = [
      `let channel = e % ${channels}u;`,
      `let place = e / ${channels}u;`,
      `let image = place / ${height * width}u;`,
      `let row = i32(place / ${width}u % ${height}u);`,
      `let column = i32(place % ${width}u);`,
      "var total = 0.0;",
      ...countedLoop("k", "0u", points, [
        `let point = image * ${points}u + k;`,
        ...pointLines(shader, y, x),
        `let weight = (${share("top", "row", height, "down")}) *`,
        `  (${share("left", "column", width, "right")});`,
        `if (!(weight == 0.0)) { total += weight * ${given}; }`,
      ]),
      `${emitFinish(shader, call)}(e, total);`,
    ];
    const name = `sampleGradient${shader.unique()}`;
    shader.declare(name, `fn ${name}(e: u32) {\n${indent(lines.join("\n"))}\n}`);
    return perElement(sizeOf(output.shape), tuning, `${name}(e);`, points);
  },
};

/** The pixel above and left of `point`, and how far behind it the point lies. */
function pointLines(
  shader: ShaderBuilder,
  y: StructuredCall["output"],
  x: StructuredCall["output"],
): string[] {
  const at = (operand: StructuredCall["output"]) =>
    shader.load(operand.buffer, "f32", `${shader.start(operand)} + point`);
  const bounds = `-${farthestPixel}.0, ${farthestPixel}.0`;
  return [
    `let fy = ${at(y)};`,
    `let fx = ${at(x)};`,
    "let down = fy - floor(fy);",
    "let right = fx - floor(fx);",
    `let top = i32(clamp(floor(fy), ${bounds}));`,
    `let left = i32(clamp(floor(fx), ${bounds}));`,
  ];
}

/** A function of an index and a size: the pixel that stands there, or −1 for the fill value. */
function pixelFunction(shader: ShaderBuilder, fillMode: SamplingAttributes["fillMode"]): string {
  const inside = "index >= 0 && index < size";
  const bodies: Record<SamplingAttributes["fillMode"], string> = {
    constant: `return select(-1, index, ${inside});`,
    nearest: "return clamp(index, 0, size - 1);",
    wrap: `return ${remainder("size")};`,
    reflect: `let place = ${remainder("(2 * size)")};\n` +
      "return select(2 * size - 1 - place, place, place < size);",
  };
  const name = `${fillMode}Pixel`;
  shader.declare(
    name,
    `fn ${name}(index: i32, size: i32) -> i32 {\n${indent(bodies[fillMode])}\n}`,
  );
  return name;
}

/**
 * What is left of `index` by whole periods, from 0 on. Shaders of OpenGL leave it open what `%` gives
 * for negative numbers: such an index is counted back from the last of the period.
 */
function remainder(period: string): string {
  const back = `${period} - 1 - (-1 - index) % ${period}`;
  return `select(index % ${period}, ${back}, index < 0)`;
}

function structured({ work }: GpuCall): StructuredCall {
  if (work.kind !== "structured") throw new Error("Cannot sample in another call");
  return work.call;
}
