import { spatial, type Window } from "../../core/graph/window.ts";
import { indent, type ShaderBuilder } from "../shader_builder.ts";

/**
 * Emits a function that says where the input is that a tap of an output sees along an axis.
 *
 * @param shader Where the function goes.
 * @param window How the window goes.
 * @param input Shape of the input.
 * @returns Its name; it takes axis-wise output and tap, and gives −1 outside of the input.
 */
function emitIndex(
  shader: ShaderBuilder,
  window: Window,
  input: readonly number[],
  axis: 0 | 1 | 2,
): string {
  const { strides, dilation, before, inputDilation } = window;
  const size = spatial({ shape: input })[axis];
  const name = `window${axis}x${shader.unique()}`;
  const apart = inputDilation[axis];
  const lines = [
    `let place = i32(output) * ${strides[axis]} + i32(tap) * ${dilation[axis]} - ${before[axis]};`,
    ...(apart === 1 ? [`return select(-1, place, place >= 0 && place < ${size});`] : [
      `if (place < 0 || place % ${apart} != 0 || place / ${apart} >= ${size}) { return -1; }`,
      `return place / ${apart};`,
    ]),
  ];
  shader.declare(
    name,
    `fn ${name}(output: u32, tap: u32) -> i32 {\n${indent(lines.join("\n"))}\n}`,
  );
  return name;
}

/**
 * Loops over the taps of an output that lie on inputs.
 *
 * @param shader Where functions go.
 * @param window How the window goes.
 * @param input Shape of the input, `[batch, depth, height, width, channels]`.
 * @param body Statements over `tap`, its number, and `place`, the input's number in its image.
 * @returns Statements over `outD`, `outH` and `outW`, the output's indices.
 */
export function eachTap(
  shader: ShaderBuilder,
  window: Window,
  input: readonly number[],
  body: readonly string[],
): string[] {
  const [depth, height, width] = window.size;
  const index = ([0, 1, 2] as const).map((axis) => emitIndex(shader, window, input, axis));
  return [
    `for (var tapD = 0u; tapD < ${depth}u; tapD++) {`,
    `  let atD = ${index[0]}(outD, tapD);`,
    "  if (atD < 0) { continue; }",
    `  for (var tapH = 0u; tapH < ${height}u; tapH++) {`,
    `    let atH = ${index[1]}(outH, tapH);`,
    "    if (atH < 0) { continue; }",
    `    for (var tapW = 0u; tapW < ${width}u; tapW++) {`,
    `      let atW = ${index[2]}(outW, tapW);`,
    "      if (atW < 0) { continue; }",
    `      let tap = (tapD * ${height}u + tapH) * ${width}u + tapW;`,
    `      let place = (u32(atD) * ${input[2]}u + u32(atH)) * ${input[3]}u + u32(atW);`,
    ...body.map((line) => `      ${line}`),
    "    }",
    "  }",
    "}",
  ];
}

/** Turns that the loops of {@link eachTap} take, and of one over so many channels inside of them. */
export function tapTurns({ size: [depth, height, width] }: Window, channels = 0): number {
  return depth * (1 + height * (1 + width * (1 + channels)));
}

/**
 * The one tap `mine` of an output, if it lies on an input.
 *
 * @param shader Where functions go.
 * @param window How the window goes.
 * @param input Shape of the input.
 * @param body Statements over `place`, the input's number in its image.
 * @returns Statements over `mine`, `outD`, `outH` and `outW`.
 */
export function oneTap(
  shader: ShaderBuilder,
  window: Window,
  input: readonly number[],
  body: readonly string[],
): string[] {
  const [, height, width] = window.size;
  const index = ([0, 1, 2] as const).map((axis) => emitIndex(shader, window, input, axis));
  return [
    `let atD = ${index[0]}(outD, mine / ${width * height}u);`,
    `let atH = ${index[1]}(outH, mine / ${width}u % ${height}u);`,
    `let atW = ${index[2]}(outW, mine % ${width}u);`,
    "if (atD >= 0 && atH >= 0 && atW >= 0) {",
    `  let place = (u32(atD) * ${input[2]}u + u32(atH)) * ${input[3]}u + u32(atW);`,
    ...body.map((line) => `  ${line}`),
    "}",
  ];
}

/** Statements that make `image`, `outD`, `outH` and `outW` from an output's number. */
export function outputIndices(outputs: readonly number[], number: string): string[] {
  const [, depth, height, width] = outputs;
  return [
    `let outW = ${number} % ${width}u;`,
    `let outH = ${number} / ${width}u % ${height}u;`,
    `let outD = ${number} / ${width * height}u % ${depth}u;`,
    `let image = ${number} / ${width * height * depth}u;`,
  ];
}
