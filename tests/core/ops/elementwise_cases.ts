import type { DType } from "../../../core/graph/dtype.ts";
import { inputLeaf } from "../../../core/graph/leaf.ts";
import type { ElementwiseOperation } from "../../../core/graph/operation.ts";
import type { Shape } from "../../../core/graph/shape.ts";
import { Tensor } from "../../../core/graph/tensor.ts";
import { slice, transpose } from "../../../core/ops/mod.ts";
import { registeredOperations } from "../../../core/ops/registry.ts";
import { broadcastOperands } from "../../../core/ops/elementwise.ts";
import { type CaseInput, floats, integers, type OpCase, shapesOf } from "./generator.ts";

/** How a case reads its operands: as they are, or through a view. */
interface Layout {
  readonly name: string;
  /** Shapes of three operands; an op takes as many as it needs, and a fourth like the first. */
  readonly shapes: readonly Shape[];
  readonly view?: (tensor: Tensor) => Tensor;
}

const layouts: readonly Layout[] = [
  { name: "scalar", shapes: [[], [], []] },
  { name: "one", shapes: [[1], [1, 1], []] },
  { name: "line", shapes: [[37], [37], [37]] },
  { name: "broadcast", shapes: [[3, 1], [1, 5], [5]] },
  { name: "rank 4", shapes: [[2, 1, 3, 4], [1, 2, 1, 4], [2, 2, 3, 1]] },
  { name: "transposed", shapes: [[3, 5], [3, 5], [3, 5]], view: (x) => transpose(x) },
  {
    name: "sliced",
    shapes: [[4, 7], [4, 7], [4, 7]],
    view: (x) => slice(x, [1, 2], [4, 6]),
  },
];

/** The combinations of types that `operation` accepts. */
function typesOf(operation: ElementwiseOperation): DType[][] {
  const numbers: DType[] = ["f32", "i32", "u32", "bool"];
  const all = numbers.map((dtype) => new Array<DType>(operation.arity).fill(dtype));
  const conditional = numbers.map((dtype) => all[3].map((_, at) => at === 0 ? "bool" : dtype));
  const candidates = operation.name === "select" ? conditional : all;
  return candidates.filter((types) => {
    try {
      operation.infer(types.map((dtype) => inputLeaf("x", [], dtype)), {});
      return true;
    } catch {
      return false;
    }
  });
}

function operand(
  random: () => number,
  operation: ElementwiseOperation,
  dtype: DType,
  shape: Shape,
  place: number,
): CaseInput {
  if (dtype === "f32") return floats(random, shape, operation.domain);
  if (dtype === "bool") return integers(random, shape, dtype, [0, 2]);
  if (operation.name.startsWith("shift") && place === 1) {
    return integers(random, shape, dtype, [0, 32]);
  }
  // Small numbers often meet and large ones wrap around: some of each.
  const small = integers(random, shape, dtype, dtype === "i32" ? [-4, 5] : [0, 9]);
  const large = integers(
    random,
    shape,
    dtype,
    dtype === "i32" ? [-2147483648, 2147483648] : [0, 4294967296],
  );
  return { ...small, data: small.data.map((value, at) => at % 2 ? value : large.data[at]) };
}

function build(operation: ElementwiseOperation, view?: Layout["view"]): OpCase["build"] {
  return (...tensors) => {
    const operands = view ? tensors.map(view) : tensors;
    return Tensor.node(operation, broadcastOperands(operation.name, operands));
  };
}

/** Inputs of type f32 that something flows back to. */
function differentiable(operation: ElementwiseOperation, inputs: readonly CaseInput[]): number[] {
  const places = inputs.map((_, place) => place).filter((place) => inputs[place].dtype === "f32");
  return operation.vjp ? places : [];
}

/** Every elementwise op of the table, in every type it takes and every layout, and its samples. */
export function elementwiseCases(random: () => number): OpCase[] {
  const operations = registeredOperations().filter((operation) => operation.kind === "elementwise");
  return operations.flatMap((operation) =>
    typesOf(operation).flatMap((types, choice) => [
      ...layouts.map(({ name, shapes, view }): OpCase => {
        const inputs = types.map((dtype, place) =>
          operand(random, operation, dtype, shapes[place % 3], place)
        );
        return {
          name: `${operation.name}, ${name}: ${shapesOf(inputs)}`,
          inputs,
          build: build(operation, view),
          differentiable: differentiable(operation, inputs),
          tolerance: operation.tolerance,
        };
      }),
      ...operation.samples.filter(() => choice === 0).map((sample, at): OpCase => ({
        name: `${operation.name}, sample ${at}`,
        inputs: sample.inputs.map((values, place) => ({
          shape: [values.length],
          dtype: types[place],
          data: values.map((value) => types[place] === "f32" ? Math.fround(value) : value),
        })),
        build: build(operation),
        differentiable: [],
        tolerance: operation.tolerance,
      })),
    ])
  );
}
