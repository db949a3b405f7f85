import type { DType } from "../../core/graph/dtype.ts";
import type { ShaderBuilder } from "../shader_builder.ts";

const view = new DataView(new ArrayBuffer(4));

/**
 * WGSL for a number of `dtype`.
 *
 * WGSL refuses NaN and infinities in constant expressions, and may flush subnormal literals, so
 * these come from the bits of a variable.
 *
 * @param shader Where the variable is declared.
 * @param value The number.
 * @param dtype Its type.
 * @returns An expression.
 */
export function literalExpression(shader: ShaderBuilder, value: number, dtype: DType): string {
  switch (dtype) {
    case "bool":
      return value ? "true" : "false";
    case "i32":
      // The smallest number has no literal of its own: its digits overflow before the sign.
      return value === -(2 ** 31) ? "(-2147483647i - 1i)" : `${value}i`;
    case "u8":
    case "u32":
      return `${value}u`;
    case "f32":
      return floatExpression(shader, value);
  }
}

function floatExpression(shader: ShaderBuilder, value: number): string {
  const rounded = Math.fround(value);
  const magnitude = Math.abs(rounded);
  const plain = magnitude === 0 || (Number.isFinite(rounded) && magnitude >= 2 ** -126);
  if (!plain || Object.is(rounded, -0)) {
    view.setFloat32(0, rounded);
    const bits = view.getUint32(0);
    const name = `bits_${bits.toString(16)}`;
    shader.declare(name, `var<private> ${name}: u32 = ${bits}u;`);
    return `bitcast<f32>(${name})`;
  }
  const digits = String(rounded);
  return /[.e]/.test(digits) ? `${digits}f` : `${digits}.0f`;
}
