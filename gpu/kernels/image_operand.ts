import type { StridedOperand } from "../../core/graph/call.ts";
import { type Shape, sizeOf } from "../../core/graph/shape.ts";
import type { Window } from "../../core/graph/window.ts";
import { indent, type ShaderBuilder } from "../shader_builder.ts";
import type { Operand } from "./operand.ts";
import { outputIndices } from "./window.ts";

/** Nanoseconds that the software adapter takes to find and read eight elements, measured. */
const cost = 90;

/** Elements that a thread of the software adapter looks up for a term: it compiled 16 for seconds. */
const mostLooks = 4;

/** Images that a window goes over, as an operand of a product. */
export interface Images {
  /** The images, `[batch, depth, height, width, channels]`. */
  readonly images: StridedOperand;
  /** How the window goes. */
  readonly window: Window;
  /** Shape of the outputs, `[batch, depth, height, width, …]`. */
  readonly outputs: Shape;
  /** Whether the product's terms are taps and channels, or the outputs' places. */
  readonly terms: "taps" | "outputs";
  /** Terms between the beginnings of neighbouring batches; 0 where all begin at the first. */
  readonly share: number;
}

/**
 * Describes images as the matrix of outputs × (taps and channels) that a convolution multiplies with:
 * each element is looked up where it is needed, and the matrix is never stored.
 *
 * A tap on padding is a zero like any other, so that a weight that is not finite shows there, too.
 *
 * @param shader The kernel that reads it.
 * @param given The images, and how the window goes.
 * @returns How it is read.
 */
export function describeImages(shader: ShaderBuilder, given: Images): Operand {
  const { terms, share } = given;
  const channels = given.images.shape[4];
  const look = emitLook(shader, given);
  const output = emitOutput(shader, given);
  const tap = emitTap(shader, given);
  const [ofPlace, ofTerm] = terms === "taps" ? [output, tap] : [tap, output];
  return {
    batchStride: 0,
    stride: 0,
    termStride: 0,
    // A pixel's channels lie together; where there is one channel, the pixels of a row do.
    alongTerms: (terms === "taps") === (channels > 1),
    isLong: true,
    words: () => null,
    cost: (count) => count > mostLooks ? Infinity : count * cost,
    place: (place) => `${ofPlace}(${place})`,
    term: (term) => `${ofTerm}(${share === 0 ? term : `batch * ${share}u + ${term}`})`,
    load: ({ place, term }) => `${look}(${place} + ${term})`,
    vectors: false,
    loadVector: () => null,
    loadWord: refuse,
    cut: null,
    unpack: refuse,
    rowOffset: refuse,
  };
}

/**
 * A function of an output's number that gives where its window begins along the three axes, and the
 * first element of its image.
 */
function emitOutput(shader: ShaderBuilder, { images, window, outputs }: Images): string {
  const { strides, before } = window;
  const at = ["outD", "outH", "outW"].map((index, axis) =>
    `i32(${index}) * ${strides[axis]} - ${before[axis]}`
  );
  return declare(shader, "output", "number: u32", "vec4<i32>", [
    ...outputIndices(outputs, "number"),
    `return vec4<i32>(${at.join(", ")}, i32(image * ${sizeOf(images.shape.slice(1))}u));`,
  ]);
}

/** A function of the number of a tap and channel that gives how far it lies from there. */
function emitTap(shader: ShaderBuilder, { images, window }: Images): string {
  const channels = images.shape[4];
  const { size: [, height, width], dilation } = window;
  const at = [
    `tap / ${height * width}u`,
    `tap / ${width}u % ${height}u`,
    `tap % ${width}u`,
  ].map((index, axis) => `i32(${index}) * ${dilation[axis]}`);
  return declare(shader, "tap", "number: u32", "vec4<i32>", [
    `let tap = number / ${channels}u;`,
    `return vec4<i32>(${at.join(", ")}, i32(number % ${channels}u));`,
  ]);
}

/** A function of the sum of the two that reads the image there. */
function emitLook(shader: ShaderBuilder, { images, window: { inputDilation } }: Images): string {
  const [, depth, height, width, channels] = images.shape;
  const sizes = [depth, height, width];
  const limits = sizes.map((size, axis) => (size - 1) * inputDilation[axis] + 1);
  const apart = `vec3<i32>(${inputDilation.join(", ")})`;
  const spread = inputDilation.some((step) => step > 1);
  const index = `u32(((place.x * ${height} + place.y) * ${width} + place.z) * ${channels} + at.w)`;
  const value = shader.load(
    images.buffer,
    "f32",
    // Read in any case, as a branch costs more than a load.
    `${shader.start(images)} + select(0u, ${index}, inside)`,
  );
  return declare(shader, "look", "at: vec4<i32>", "f32", [
    `let inside = all(at.xyz >= vec3<i32>()) && all(at.xyz < vec3<i32>(${limits.join(", ")}))` +
    (spread ? ` && all(at.xyz % ${apart} == vec3<i32>());` : ";"),
    `let place = at.xyz${spread ? ` / ${apart}` : ""};`,
    `return select(0.0, ${value}, inside);`,
  ]);
}

function declare(
  shader: ShaderBuilder,
  title: string,
  parameter: string,
  type: string,
  lines: readonly string[],
): string {
  const name = `${title}${shader.unique()}`;
  shader.declare(name, `fn ${name}(${parameter}) -> ${type} {\n${indent(lines.join("\n"))}\n}`);
  return name;
}

/** Images have no words of bytes: {@link Operand.words} says so. */
function refuse(): never {
  throw new Error("Cannot read images as words");
}
