import { type Expression, parseBody } from "../../cpu/wasm/expression.ts";
import type { ElementwiseOperation } from "../../graph/operation.ts";
import type { OnnxGraph, OnnxValue } from "../graph.ts";
import { type OnnxForm, withoutForm } from "./form.ts";

/** Operators of two operands. */
const operators: Readonly<Record<string, string>> = {
  "+": "Add",
  "-": "Sub",
  "*": "Mul",
  "/": "Div",
  "&&": "And",
  "||": "Or",
};

const comparisons: Readonly<Record<string, string>> = {
  "==": "Equal",
  "<": "Less",
  ">": "Greater",
  "<=": "LessOrEqual",
  ">=": "GreaterOrEqual",
};

/** Functions of one operand. */
const unary: Readonly<Record<string, string>> = {
  abs: "Abs",
  ceil: "Ceil",
  exp: "Exp",
  floor: "Floor",
  log: "Log",
  round: "Round",
  sign: "Sign",
  sqrt: "Sqrt",
};

/** Functions of two operands. */
const binary: Readonly<Record<string, string>> = { max: "Max", min: "Min", pow: "Pow" };

/** The form of an elementwise op that has none of its own, one of the user's: what its WGSL says. */
export function writtenForm(operation: ElementwiseOperation): OnnxForm {
  return (graph, node, inputs) => {
    const dtypes = node.inputs.map(({ dtype }) => dtype);
    if (dtypes.some((dtype) => dtype !== "f32" && dtype !== "bool")) {
      throw withoutForm(operation.name, node, `is of whole numbers`);
    }
    const { lets, result } = parseBody(operation.body(dtypes, node.dtype));
    const names = new Map(inputs.map((input, place) => ["xyzw"[place], input] as const));
    const writer = new Writer(graph, names, (what) => withoutForm(operation.name, node, what));
    for (const { name, value } of lets) names.set(name, writer.value(value));
    return writer.value(result);
  };
}

/** Writes expressions as nodes. */
class Writer {
  constructor(
    private readonly graph: OnnxGraph,
    private readonly names: ReadonlyMap<string, OnnxValue>,
    private readonly refused: (what: string) => TypeError,
  ) {}

  value(expression: Expression): OnnxValue {
    switch (expression.kind) {
      case "number":
        if (expression.type === "u32") break;
        return this.graph.number(expression.value);
      case "name": {
        const value = this.names.get(expression.name);
        if (value) return value;
        break;
      }
      case "unary":
        if (!"-!".includes(expression.operator)) break;
        return this.graph.unary(
          expression.operator === "-" ? "Neg" : "Not",
          this.value(expression.operand),
        );
      case "binary":
        return this.#operator(expression.operator, [expression.left, expression.right]);
      case "call":
        return this.#call(expression.name, expression.arguments);
    }
    throw this.refused(`has ${JSON.stringify(expression)} in it`);
  }

  #operator(operator: string, operands: readonly Expression[]): OnnxValue {
    const test = comparisons[operator === "!=" ? "==" : operator];
    const operation = operators[operator] ?? test;
    if (!operation) throw this.refused(`has the operator ${operator} in it`);
    const [left, right] = operands.map((operand) => this.value(operand));
    if (!test) return this.graph.binary(operation, left, right);
    const result = this.graph.compare(operation, left, right);
    return operator === "!=" ? this.graph.unary("Not", result) : result;
  }

  #call(name: string, inner: readonly Expression[]): OnnxValue {
    const { graph } = this;
    const [one, other, last] = inner.map((operand) => this.value(operand));
    if (unary[name]) return graph.unary(unary[name], one);
    if (binary[name]) return graph.binary(binary[name], one, other);
    switch (name) {
      case "f32":
        return graph.cast(one, "f32");
      case "clamp":
        return graph.binary("Min", graph.binary("Max", one, other), last);
      case "trunc":
        return graph.binary(
          "Mul",
          graph.unary("Sign", one),
          graph.unary("Floor", graph.unary("Abs", one)),
        );
      case "select":
        return graph.where(last, other, one);
    }
    throw this.refused(`has ${name} in it`);
  }
}
