import type { OnnxGraph, OnnxValue } from "../graph.ts";
import { type OnnxForm, type OnnxForms, onnxTypes, sameAs } from "./form.ts";

/** Ops that ONNX has under another name. */
const native = {
  abs: "Abs",
  ceil: "Ceil",
  cos: "Cos",
  div: "Div",
  equal: "Equal",
  erf: "Erf",
  exp: "Exp",
  floor: "Floor",
  greater: "Greater",
  greaterEqual: "GreaterOrEqual",
  isNaN: "IsNaN",
  less: "Less",
  lessEqual: "LessOrEqual",
  log: "Log",
  logicalAnd: "And",
  logicalNot: "Not",
  logicalOr: "Or",
  maximum: "Max",
  minimum: "Min",
  neg: "Neg",
  pow: "Pow",
  relu: "Relu",
  round: "Round",
  select: "Where",
  sigmoid: "Sigmoid",
  sign: "Sign",
  sin: "Sin",
  softplus: "Softplus",
  sqrt: "Sqrt",
  tanh: "Tanh",
} as const;

/** Below it a difference to 1 is worked out from half the argument. */
const near = 1;

/** Forms of elementwise ops. */
export const elementwiseForms: OnnxForms = {
  ...Object.fromEntries(
    Object.entries(native).map(([name, operation]) => [name, sameAs(operation)] as const),
  ),
  add: wrapping("Add"),
  mul: wrapping("Mul"),
  sub: wrapping("Sub"),
  castBool: castTo("bool"),
  castF32: castTo("f32"),
  castI32: castTo("i32"),
  castU32: (graph, node, [x]) => {
    if (node.inputs[0].dtype !== "i32") {
      const least = graph.number(0, x.type);
      return graph.cast(x.type === "f32" ? graph.binary("Max", x, least) : x, "i64");
    }
    return wrapped(graph, graph.cast(x, "i64"));
  },
  elu: (graph, _node, [x, alpha]) => {
    const below = graph.binary("Mul", alpha, powerLessOne(graph, x));
    return graph.where(graph.compare("Greater", x, graph.number(0)), x, below);
  },
  expm1: (graph, _node, [x]) => powerLessOne(graph, x),
  isFinite: (graph, _node, [x]) => {
    const [endless, unknown] = ["IsInf", "IsNaN"].map((test) =>
      graph.node(test, [x], { ...x, type: "bool" })
    );
    return graph.unary("Not", graph.binary("Or", endless, unknown));
  },
  log1p: (graph, _node, [x]) => logarithmOfNext(graph, x),
  normalCdf: (graph, _node, [x]) => {
    const share = graph.unary("Erf", graph.binary("Mul", x, graph.number(Math.SQRT1_2)));
    return graph.binary("Mul", graph.binary("Add", share, graph.number(1)), graph.number(0.5));
  },
  notEqual: (graph, node, inputs) => graph.unary("Not", sameAs("Equal")(graph, node, inputs)),
  square: (graph, _node, [x]) => graph.binary("Mul", x, x),
};

/** An op of numbers of which unsigned ones go round at 2³²; here they have 64 bits. */
function wrapping(operation: string): OnnxForm {
  return (graph, node, inputs) => {
    const value = sameAs(operation)(graph, node, inputs);
    return node.dtype === "u32" ? wrapped(graph, value) : value;
  };
}

function wrapped(graph: OnnxGraph, value: OnnxValue): OnnxValue {
  return graph.binary("Mod", value, graph.number(2 ** 32, "i64"));
}

function castTo(dtype: keyof typeof onnxTypes): OnnxForm {
  return (graph, _node, [x]) => graph.cast(x, onnxTypes[dtype]);
}

/** eˣ − 1, near 0 as 2t / (1 − t) with t = tanh(x / 2), as the difference would lose its digits. */
function powerLessOne(graph: OnnxGraph, x: OnnxValue): OnnxValue {
  const [one, two] = [graph.number(1), graph.number(2)];
  const tangent = graph.unary("Tanh", graph.binary("Div", x, two));
  const small = graph.binary(
    "Div",
    graph.binary("Mul", tangent, two),
    graph.binary("Sub", one, tangent),
  );
  const large = graph.binary("Sub", graph.unary("Exp", x), one);
  const isSmall = graph.compare("Less", graph.unary("Abs", x), graph.number(near));
  return graph.where(isSmall, small, large);
}

/** log(1 + x); what 1 + x has lost of x is made up for (Kahan). */
function logarithmOfNext(graph: OnnxGraph, x: OnnxValue): OnnxValue {
  const next = graph.binary("Add", x, graph.number(1));
  const kept = graph.binary("Sub", next, graph.number(1));
  const scaled = graph.binary("Div", graph.binary("Mul", x, graph.unary("Log", next)), kept);
  const ordinary = graph.unary("Log", next);
  const isLarge = graph.compare("Greater", x, graph.number(near));
  const isLost = graph.compare("Equal", kept, graph.number(0));
  return graph.where(isLost, x, graph.where(isLarge, ordinary, scaled));
}
