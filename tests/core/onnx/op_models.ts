/** Models of one op or activation for each output. */
import * as m from "../../../mod.ts";
import type { ExportedModel } from "./exported_model.ts";

/** Elementwise ops of x and y, −3 to 3, and p, 0.05 to 3.05. */
const elementwise: Record<string, (x: m.Tensor, y: m.Tensor, p: m.Tensor) => m.Tensor> = {
  abs: (x) => m.abs(x),
  add: (x, y) => m.add(x, y),
  arctan2: (x, y) => m.arctan2(x, y),
  ceil: (x) => m.ceil(x),
  cos: (x) => m.cos(x),
  div: (x, y) => m.div(x, y),
  elu: (x) => m.elu(x, 0.7),
  eluNear0: (x) => m.elu(m.mul(x, 1e-4), 0.7).mul(1e4),
  equal: (x) => m.equal(m.round(x), 1).cast("f32"),
  erf: (x) => m.erf(x),
  exp: (x) => m.exp(x),
  expm1: (x) => m.expm1(x),
  expm1Near0: (x) => m.expm1(m.mul(x, 1e-4)).mul(1e4),
  floor: (x) => m.floor(x),
  greater: (x, y) => m.greater(x, y).cast("f32"),
  greaterEqual: (x) => m.greaterEqual(m.round(x), 1).cast("f32"),
  isFinite: (x) => m.isFinite(m.div(1, m.round(x))).cast("f32"),
  isNaN: (x) => m.isNaN(m.div(m.round(x), m.round(x))).cast("f32"),
  less: (x, y) => m.less(x, y).cast("f32"),
  lessEqual: (x) => m.lessEqual(m.round(x), 1).cast("f32"),
  log: (_x, _y, p) => m.log(p),
  log1p: (_x, _y, p) => m.log1p(p),
  log1pNear0: (x) => m.log1p(m.mul(x, 1e-4)).mul(1e4),
  logicalAnd: (x, y) => m.logicalAnd(m.greater(x, 0), m.greater(y, 0)).cast("f32"),
  logicalNot: (x) => m.logicalNot(m.greater(x, 0)).cast("f32"),
  logicalOr: (x, y) => m.logicalOr(m.greater(x, 0), m.greater(y, 0)).cast("f32"),
  maximum: (x, y) => m.maximum(x, y),
  minimum: (x, y) => m.minimum(x, y),
  mul: (x, y) => m.mul(x, y),
  neg: (x) => m.neg(x),
  normalCdf: (x) => m.normalCdf(x),
  notEqual: (x) => m.notEqual(m.round(x), 1).cast("f32"),
  pow: (_x, y, p) => m.pow(p, y),
  relu: (x) => m.relu(x),
  round: (x) => m.round(m.mul(m.round(x), 0.5)),
  select: (x, y) => m.select(m.greater(x, y), x, 5),
  sigmoid: (x) => m.sigmoid(x),
  sign: (x) => m.sign(m.round(x)),
  sin: (x) => m.sin(x),
  softplus: (x) => m.softplus(x),
  sqrt: (_x, _y, p) => m.sqrt(p),
  square: (x) => m.square(x),
  sub: (x, y) => m.sub(x, y),
  tanh: (x) => m.tanh(x),
  whole: (x) => x.cast("i32").mul(7).sub(3).cast("f32"),
  // What goes below 0 comes round at 2³², as on every device.
  unsigned: (x) => x.cast("i32").cast("u32").sub(1).cast("f32"),
  unsignedOfFloats: (x) => x.cast("u32").mul(2147483648).add(1).cast("f32"),
  truth: (x) => m.round(x).cast("bool").cast("f32"),
  ofOnesOwn: (x, y) => ownOp(x, y),
};

/** An op of the user's: what its WGSL says is written. */
const ownOp = m.elementwise({
  name: "ownOpOfTheOnnxTest",
  wgsl: `let size = sqrt(abs(x) + 1.5);
let isNear = x < 1.0 && !(y == 0.0) || x != x;
let other = clamp(-y, -1.0, 2.0) + trunc(y) * floor(x) - ceil(y) / exp(min(x, y));
select(max(size, pow(size, 2.0)) + round(y), other + sign(x) * log(size), isNear)`,
  reference: (x, y) => {
    const size = Math.sqrt(Math.abs(x) + 1.5);
    if (!(x < 1 && y !== 0)) return Math.max(size, size ** 2) + Math.round(y);
    return Math.min(Math.max(-y, -1), 2) + Math.trunc(y) * Math.floor(x) -
      Math.ceil(y) / Math.exp(Math.min(x, y)) + Math.sign(x) * Math.log(size);
  },
});

export function elementwiseModel(): ExportedModel {
  const [x, y, p] = [m.input([20]), m.input([20]), m.input([20])];
  const outputs = Object.fromEntries(
    Object.entries(elementwise).map(([name, op]) => [
      name,
      m.connect([x, y, p], m.mergeLambda(([x, y, p]) => op(x, y, p))),
    ]),
  );
  return {
    model: m.functional({ inputs: { x, y, p }, outputs }),
    value: (random, _, name) => name === "p" ? 1.55 + 1.5 * random : 3 * random,
  };
}

const activations = [
  ...["linear", "relu", "relu6", "sigmoid", "tanh", "softplus", "softsign", "elu", "selu", "gelu"],
  ...["silu", "exponential", "hardSigmoid", "mish", "softmax", "logSoftmax", "leakyRelu", "celu"],
  ...["glu", "hardSilu", "hardTanh", "logSigmoid", "squareplus", "tanhShrink", "softShrink"],
  ...["hardShrink", "step", "sparsePlus", "sparseSigmoid"],
] as const;

export function activationModel(): m.AnyModel {
  const x = m.input([4, 6]);
  const outputs = activations.map((name) =>
    [name, m.connect(x, m.activation(name as "relu"))] as const
  );
  return m.functional({ inputs: { x }, outputs: Object.fromEntries(outputs) });
}
