import type { Instruction, LoopKernel, LoopOperand } from "../../core/graph/loop.ts";
import { contiguousStrides } from "../../core/graph/shape.ts";
import { isContiguous } from "../call.ts";
import { fromBits, registerType, type ShaderBuilder, times } from "../shader_builder.ts";
import { literalExpression } from "./literal.ts";

/** Where in a loop its body is evaluated. */
export interface BodyPlace {
  /** Prefix of the names that the body declares. */
  readonly prefix: string;
  /** The linear index over the dimensions that are not folded. */
  readonly element: string;
  /** The linear index over the folded dimensions. */
  readonly folded?: string;
  /** A value that a load need not fetch, or `null`. */
  readonly known?: (load: LoopOperand) => string | null;
  /**
   * The row that the thread works on, where the first dimension counts rows;
   * {@link BodyPlace.element} then counts inside the row.
   */
  readonly row?: RowPlace;
}

/** A thread's row. */
export interface RowPlace {
  /** The row's number. */
  readonly index: string;
  /** Arrays that hold the thread's own row of a buffer. */
  readonly own: ReadonlyMap<number, string>;
}

/** A body as WGSL. */
export interface EmittedBody {
  /** Statements, one a line. */
  readonly lines: string[];
  /** An expression for each value of the body. */
  readonly values: string[];
  /** An expression for the index of an operand in its memory, or in the thread's own row. */
  readonly address: (operand: LoopOperand) => string;
}

/** Emits the body of `kernel` at one place of its loop. */
export function emitBody(
  shader: ShaderBuilder,
  kernel: LoopKernel,
  place: BodyPlace,
): EmittedBody {
  const lines: string[] = [];
  const indices = emitIndices(kernel, place, lines);
  const sum = (strides: readonly number[], start: string) => {
    const terms = strides.flatMap((stride, axis) =>
      stride === 0 ? [] : [times(indices(axis), stride)]
    );
    return [...(start === "0u" && terms.length > 0 ? [] : [start]), ...terms].join(" + ");
  };
  const address = (operand: LoopOperand) => {
    const contiguous = operand.strides.length > 0 && isContiguous(operand, kernel);
    if (place.row?.own.has(operand.buffer)) {
      if (contiguous) return place.element;
      return sum([0, ...operand.strides.slice(1)], `${operand.offset}u`);
    }
    const start = shader.start(operand);
    if (!contiguous) return sum(operand.strides, start);
    const row = place.row ? `${times(place.row.index, operand.strides[0])} + ` : "";
    return `${start} + ${row}${place.element}`;
  };
  const values: string[] = [];
  kernel.body.forEach((instruction, number) => {
    const expression = emitInstruction(shader, kernel, instruction, values, {
      place,
      address,
      sum,
    });
    if (instruction.kind === "literal") {
      values.push(expression);
      return;
    }
    const name = `${place.prefix}v${number}`;
    lines.push(`let ${name} = ${expression};`);
    values.push(name);
  });
  return { lines, values, address };
}

/** Declares the indices that are used, each at its first use. */
function emitIndices(
  kernel: LoopKernel,
  place: BodyPlace,
  lines: string[],
): (axis: number) => string {
  const split = kernel.shape.length - kernel.reduced;
  const first = place.row ? 1 : 0;
  const declared = new Set<number>();
  return (axis) => {
    if (axis < first) return place.row!.index;
    const name = `${place.prefix}i${axis}`;
    if (declared.has(axis)) return name;
    declared.add(axis);
    const folded = axis >= split;
    const from = folded ? split : first;
    const group = kernel.shape.slice(from, folded ? undefined : split);
    const stride = contiguousStrides(group)[axis - from];
    const whole = folded ? place.folded! : place.element;
    const moved = stride === 1 ? whole : `${whole} / ${stride}u`;
    const outermost = axis === from;
    lines.push(`let ${name} = ${outermost ? moved : `${moved} % ${kernel.shape[axis]}u`};`);
    return name;
  };
}

function emitInstruction(
  shader: ShaderBuilder,
  kernel: LoopKernel,
  instruction: Instruction,
  values: readonly string[],
  { place, address, sum }: {
    place: BodyPlace;
    address: (operand: LoopOperand) => string;
    sum: (strides: readonly number[], start: string) => string;
  },
): string {
  switch (instruction.kind) {
    case "literal":
      return literalExpression(shader, instruction.value, instruction.dtype);
    case "index": {
      const position = sum(instruction.strides, `${instruction.offset}u`);
      return instruction.dtype === "u32" ? position : `${instruction.dtype}(${position})`;
    }
    case "load": {
      const operand = kernel.loads[instruction.load];
      const known = place.known?.(operand);
      if (known) return known;
      const own = place.row?.own.get(operand.buffer);
      if (own) return `${own}[${address(operand)}]`;
      if (shader.isScalar(operand.buffer)) {
        return fromBits(shader.scalarWord(operand.offset), operand.dtype);
      }
      return shader.load(operand.buffer, operand.dtype, address(operand));
    }
    case "apply": {
      const inputs = instruction.arguments.map((input) => kernel.body[input].dtype);
      const types = [...inputs, instruction.dtype].map(registerType);
      const name = [instruction.operation.name, ...types].join("_");
      const parameters = inputs.map((_, number) => `${"xyzw"[number]}: ${types[number]}`);
      const given = instruction.operation.body(inputs, instruction.dtype).trim();
      const text = inputs.every((dtype) => dtype === "f32") ? keepNaN(shader, given) : given;
      const cut = text.lastIndexOf(";") + 1;
      const statements = text.slice(0, cut).split("\n").map((line) => line.trim()).filter(Boolean);
      shader.declare(
        name,
        `fn ${name}(${parameters.join(", ")}) -> ${types[inputs.length]} {\n` +
          [...statements, `return ${text.slice(cut).trim()};`].map((line) => `  ${line}\n`)
            .join("") +
          "}",
      );
      return `${name}(${instruction.arguments.map((input) => values[input]).join(", ")})`;
    }
  }
}

/** Forms of built-in functions that pass NaN on. */
const keeping: Readonly<Record<string, string>> = {
  max: "fn max_nan(x: f32, y: f32) -> f32 {\n" +
    "  return select(select(max(x, y), y, is_nan(y)), x, is_nan(x));\n}",
  min: "fn min_nan(x: f32, y: f32) -> f32 {\n" +
    "  return select(select(min(x, y), y, is_nan(y)), x, is_nan(x));\n}",
  clamp: "fn clamp_nan(x: f32, low: f32, high: f32) -> f32 {\n" +
    "  return select(clamp(x, low, high), x, is_nan(x));\n}",
  exp: "fn exp_nan(x: f32) -> f32 {\n  return select(exp(x), x, is_nan(x));\n}",
  pow: "fn pow_nan(x: f32, y: f32) -> f32 {\n" +
    "  return select(select(pow(x, y), y, is_nan(y)), x, is_nan(x));\n}",
  log: "fn log_nan(x: f32) -> f32 {\n  return select(log(x), x, is_nan(x));\n}",
};

/**
 * WGSL's functions may drop NaN, and a NaN that an activation hides would train on unnoticed.
 *
 * @param shader Where functions go.
 * @param text WGSL that calls built-in functions of f32 alone.
 * @returns The text with calls of forms that pass NaN on.
 */
export function keepNaN(shader: ShaderBuilder, text: string): string {
  return text.replace(/\b(max|min|clamp|exp|pow|log)\(/g, (_, name) => {
    shader.declare(
      "is_nan",
      "fn is_nan(x: f32) -> bool {\n  return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;\n}",
    );
    shader.declare(`${name}_nan`, keeping[name]);
    return `${name}_nan(`;
  });
}
