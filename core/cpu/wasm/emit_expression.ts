import { KernelError } from "../../graph/errors.ts";
import type { DType } from "../../graph/dtype.ts";
import { relaxedSimd } from "../kernels/load.ts";
import { type Expression, parseBody } from "./expression.ts";
import { type Code, simd, valueType } from "./module.ts";
import { prelude } from "./prelude.ts";

/** The type of four lanes: `bool` is a mask of all ones or all zeros. */
export type LaneType = "f32" | "i32" | "u32" | "bool";

/** A value in a local variable. */
export interface Value {
  /** The local's number. */
  readonly local: number;
  /** The type of its lanes. */
  readonly type: LaneType;
}

type Scope = ReadonlyMap<string, Value>;

const unary: Record<string, number> = {
  "f32.abs": 0xe0,
  "f32.neg": 0xe1,
  "f32.sqrt": 0xe3,
  "f32.ceil": 0x67,
  "f32.floor": 0x68,
  "f32.trunc": 0x69,
  "f32.round": 0x6a,
  "i32.abs": 0xa0,
  "i32.neg": 0xa1,
};

const binary: Record<string, number> = {
  "f32.+": 0xe4,
  "f32.-": 0xe5,
  "f32.*": 0xe6,
  "f32./": 0xe7,
  "f32.min": 0xe8,
  "f32.max": 0xe9,
  "f32.==": 0x41,
  "f32.!=": 0x42,
  "f32.<": 0x43,
  "f32.>": 0x44,
  "f32.<=": 0x45,
  "f32.>=": 0x46,
  "i32.+": 0xae,
  "i32.-": 0xb1,
  "i32.*": 0xb5,
  "i32.min": 0xb6,
  "i32.max": 0xb8,
  "i32.==": 0x37,
  "i32.!=": 0x38,
  "i32.<": 0x39,
  "i32.>": 0x3b,
  "i32.<=": 0x3d,
  "i32.>=": 0x3f,
  "u32.+": 0xae,
  "u32.-": 0xb1,
  "u32.*": 0xb5,
  "u32.min": 0xb7,
  "u32.max": 0xb9,
  "u32.==": 0x37,
  "u32.!=": 0x38,
  "u32.<": 0x3a,
  "u32.>": 0x3c,
  "u32.<=": 0x3e,
  "u32.>=": 0x40,
  "&": 0x4e,
  "|": 0x50,
  "^": 0x51,
  "bool.==": 0x37,
  "bool.!=": 0x38,
  "&&": 0x4e,
  "||": 0x50,
};

const comparisons = new Set(["==", "!=", "<", ">", "<=", ">=", "&&", "||"]);
const shifts: Record<string, number> = {
  "i32.<<": 0xab,
  "i32.>>": 0xac,
  "u32.<<": 0xab,
  "u32.>>": 0xad,
};

/** Emits an op's body on values in locals; gives the result in a new local. */
export function emitBody(
  code: Code,
  source: string,
  names: readonly string[],
  values: readonly Value[],
): Value {
  const scope = new Map(names.map((name, place) => [name, values[place]]));
  const body = parseBody(source);
  for (const { name, value } of body.lets) scope.set(name, emitValue(code, value, scope));
  return emitValue(code, body.result, scope);
}

/** Lane type of an element type in memory. */
export function laneType(dtype: DType): LaneType {
  if (dtype === "u8") {
    throw new KernelError("Cannot compute with u8 as only gather reads stored bytes: use gather");
  }
  return dtype;
}

function emitValue(code: Code, expression: Expression, scope: Scope): Value {
  if (expression.kind === "name") {
    const value = scope.get(expression.name);
    if (!value) throw new KernelError(`Cannot find the name "${expression.name}" in an op's body`);
    return value;
  }
  const type = emit(code, expression, scope, null);
  const local = code.local(valueType.v128);
  code.set(local);
  return { local, type };
}

/** Emits instructions that leave four lanes on the stack; `wanted` types a bare integer. */
function emit(code: Code, node: Expression, scope: Scope, wanted: LaneType | null): LaneType {
  switch (node.kind) {
    case "number":
      return emitNumber(code, node.value, node.type === "int" ? wanted ?? "i32" : node.type);
    case "name": {
      const value = emitValue(code, node, scope);
      code.get(value.local);
      return value.type;
    }
    case "unary":
      return emitUnary(code, node.operator, node.operand, scope, wanted);
    case "binary":
      return emitBinary(code, node.operator, node.left, node.right, scope, wanted);
    case "call":
      return emitCall(code, node.name, node.arguments, scope, wanted);
  }
}

function emitNumber(code: Code, value: number, type: LaneType): LaneType {
  const word = type === "f32" ? new Uint32Array(Float32Array.of(value).buffer)[0] : value;
  code.words([word, word, word, word]);
  return type;
}

function emitUnary(
  code: Code,
  operator: string,
  operand: Expression,
  scope: Scope,
  wanted: LaneType | null,
): LaneType {
  const type = emit(code, operand, scope, wanted);
  if (operator === "-") code.simd(opcode(unary, `${type === "u32" ? "i32" : type}.neg`));
  else code.simd(0x4d);
  return type;
}

/** The type of an expression, without emitting it; `null` for a bare integer. */
function typeOf(node: Expression, scope: Scope): LaneType | null {
  switch (node.kind) {
    case "number":
      return node.type === "int" ? null : node.type;
    case "name":
      return scope.get(node.name)?.type ?? null;
    case "unary":
      return typeOf(node.operand, scope);
    case "binary":
      if (comparisons.has(node.operator)) return "bool";
      return typeOf(node.left, scope) ?? typeOf(node.right, scope);
    case "call": {
      const cast = /^(?:bitcast<)?(f32|i32|u32)>?$/.exec(node.name);
      if (cast) return cast[1] as LaneType;
      for (const inner of node.arguments) {
        const type = typeOf(inner, scope);
        if (type) return type;
      }
      return null;
    }
  }
}

function emitBinary(
  code: Code,
  operator: string,
  left: Expression,
  right: Expression,
  scope: Scope,
  wanted: LaneType | null,
): LaneType {
  const type = typeOf(left, scope) ?? typeOf(right, scope) ?? wanted ?? "i32";
  if (type === "f32" && relaxedSimd() && emitFused(code, operator, left, right, scope)) return type;
  emit(code, left, scope, type);
  if (operator === "<<" || operator === ">>") {
    emitShift(code, `${type}.${operator}`, right, scope);
    return type;
  }
  emit(code, right, scope, type);
  code.simd(binary[operator] ?? opcode(binary, `${type}.${operator}`));
  return comparisons.has(operator) ? "bool" : type;
}

/** `c + a · b` or `c - a · b` as one instruction with one rounding; false of another expression. */
function emitFused(
  code: Code,
  operator: string,
  left: Expression,
  right: Expression,
  scope: Scope,
): boolean {
  if (operator !== "+" && operator !== "-") return false;
  const [rest, product] = isProduct(right) ? [left, right] : [right, left];
  if (!isProduct(product) || (operator === "-" && product === left)) return false;
  for (const part of [product.left, product.right, rest]) emit(code, part, scope, "f32");
  code.simd(operator === "+" ? simd.relaxedMadd : simd.relaxedNmadd);
  return true;
}

function isProduct(node: Expression): node is Expression & { kind: "binary" } {
  return node.kind === "binary" && node.operator === "*";
}

/** SIMD shifts all lanes alike; amounts that differ by lane are shifted lane by lane. */
function emitShift(code: Code, name: string, amount: Expression, scope: Scope): void {
  if (amount.kind === "number") {
    code.i32(amount.value).simd(opcode(shifts, name));
    return;
  }
  const value = code.local(valueType.v128);
  const by = code.local(valueType.v128);
  const result = code.local(valueType.v128);
  code.set(value);
  emit(code, amount, scope, "u32");
  code.set(by).get(value).set(result);
  const scalar = name.endsWith("<<") ? 0x74 : name.startsWith("i32") ? 0x75 : 0x76;
  for (let lane = 0; lane < 4; lane++) {
    code.get(result);
    code.get(value).simd(simd.extractI32, lane).get(by).simd(simd.extractI32, lane).raw(scalar);
    code.simd(simd.replaceI32, lane).set(result);
  }
  code.get(result);
}

function emitCall(
  code: Code,
  name: string,
  inner: readonly Expression[],
  scope: Scope,
  wanted: LaneType | null,
): LaneType {
  if (name.startsWith("bitcast<")) {
    emit(code, inner[0], scope, null);
    return name.slice(8, -1) as LaneType;
  }
  if (name === "f32" || name === "i32" || name === "u32") {
    return emitCast(code, name, inner[0], scope);
  }
  const type = inner.map((part) => typeOf(part, scope)).find((found) => found !== null) ??
    wanted ?? "f32";
  if (name === "select") {
    const values = typeOf(inner[0], scope) ?? typeOf(inner[1], scope) ?? wanted ?? "f32";
    emit(code, inner[1], scope, values);
    emit(code, inner[0], scope, values);
    emit(code, inner[2], scope, "bool");
    code.simd(simd.bitselect);
    return values;
  }
  const definition = prelude[name];
  if (definition) {
    const values = inner.map((part) => emitValue(code, part, scope));
    const result = emitBody(code, definition.body, definition.parameters, values);
    code.get(result.local);
    return result.type;
  }
  for (const part of inner) emit(code, part, scope, type);
  if (type === "f32" && inner[1]?.kind === "number" && (name === "min" || name === "max")) {
    // With a number on the right, pmin and pmax pass NaN on as well, in one instruction.
    code.simd(name === "min" ? 0xea : 0xeb);
    return type;
  }
  const table = inner.length === 1 ? unary : binary;
  code.simd(opcode(table, `${type}.${name}`));
  return type;
}

function emitCast(code: Code, to: LaneType, inner: Expression, scope: Scope): LaneType {
  const from = emit(code, inner, scope, null);
  if (from === to) return to;
  if (from === "bool") {
    emitNumber(code, 1, to);
    code.simd(0x4e);
  } else if (to === "f32") code.simd(from === "i32" ? 0xfa : 0xfb);
  else if (from === "f32") code.simd(to === "i32" ? 0xf8 : 0xf9);
  return to;
}

function opcode(table: Record<string, number>, name: string): number {
  const found = table[name];
  if (found === undefined) throw new KernelError(`Cannot compile "${name}" for the CPU`);
  return found;
}
