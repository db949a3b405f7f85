import type { CellActivation } from "../../core/graph/recurrence.ts";
import { indent, type ShaderBuilder } from "../shader_builder.ts";
import { keepNaN } from "./body.ts";

// The formulas of the ops of the same names: no `tanh`, which overflows on some drivers.
const bodies: Readonly<Record<CellActivation, readonly string[]>> = {
  linear: ["return x;"],
  relu: ["return max(x, 0.0);"],
  sigmoid: [
    "let t = exp(-abs(x));",
    "return select(t, 1.0, x >= 0.0) / (1.0 + t);",
  ],
  tanh: [
    "let v = clamp(x, -7.90531110763549805, 7.90531110763549805);",
    "let q = v * v;",
    "let p = ((((((-2.76076847742355e-16 * q + 2.00018790482477e-13) * q - 8.60467152213735e-11) * q",
    "  + 5.12229709037114e-8) * q + 1.48572235717979e-5) * q + 6.37261928875436e-4) * q",
    "  + 4.89352455891786e-3);",
    "let d = ((1.19825839466702e-6 * q + 1.18534705686654e-4) * q + 2.268434632439e-3) * q",
    "  + 4.89352518554385e-3;",
    "return select(v * p / d, x, abs(x) < 0.0004);",
  ],
};

/** Declares the function of an activation, and gives its name. */
export function activationFunction(shader: ShaderBuilder, name: CellActivation): string {
  const own = `cell_${name}`;
  const body = keepNaN(shader, indent(bodies[name].join("\n")));
  shader.declare(own, `fn ${own}(x: f32) -> f32 {\n${body}\n}`);
  return own;
}

/** The slope of an activation from its value. */
export function slopeExpression(name: CellActivation, value: string): string {
  switch (name) {
    case "linear":
      return "1.0";
    case "relu":
      return `select(0.0, 1.0, ${value} > 0.0)`;
    case "sigmoid":
      return `(${value} * (1.0 - ${value}))`;
    case "tanh":
      return `(1.0 - ${value} * ${value})`;
  }
}
