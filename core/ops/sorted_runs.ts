import type { Attributes, ReferenceArray, StructuredOperation } from "../graph/operation.ts";
import { sizeOf } from "../graph/shape.ts";
import { commonDType, Tensor } from "../graph/tensor.ts";
import { slice } from "./concat.ts";
import { register } from "./registry.ts";
import { reshape } from "./reshape.ts";

/** Elements of a run that are sorted at once, by comparing each with each. */
const firstRun = 64;

/** Settings of ops over sorted runs of lines. */
export interface RunAttributes {
  /** Elements of a sorted run; the last one of a line may be shorter. */
  readonly run: number;
  /** Whether the largest come first. */
  readonly descending: boolean;
}

// What both ops give is [2, lines, n], u32: which element of a line stands at each place, and the place of
// each element. NaN is larger than all numbers, −0 equals 0, and of equal elements the first comes first.

/** Lines of `[x]`, `[lines, n]`, whose runs are sorted each for itself. */
const sortRunsOperation: StructuredOperation & { name: "sortRuns" } = register({
  kind: "structured",
  name: "sortRuns",
  infer: inferRuns,
  reference: (inputs, attributes, output) => sortReference(inputs, attributes, output, 1),
  work: ([x], _output, attributes) => ({
    flops: sizeOf(x) * Math.min(x[1], attributes.run as number),
  }),
});

/** Of `[x, order]`, in whose order runs are sorted, each two neighbouring runs as one. */
const mergeRunsOperation: StructuredOperation & { name: "mergeRuns" } = register({
  kind: "structured",
  name: "mergeRuns",
  infer: inferRuns,
  reference: (inputs, attributes, output) => sortReference(inputs, attributes, output, 2),
  work: ([x], _output, attributes) => ({
    flops: sizeOf(x) * (1 + Math.ceil(Math.log2(attributes.run as number))),
  }),
});

/**
 * The order of the elements of each line, and the place of each in it.
 *
 * @param x `[lines, n]`, f32.
 * @param descending Whether the largest come first.
 * @returns `order` and `places`, `[lines, n]` each, u32.
 */
export function sortedLines(x: Tensor, descending: boolean): { order: Tensor; places: Tensor } {
  const [lines, size] = x.shape;
  const half = (both: Tensor, at: number) =>
    reshape(slice(both, [at, 0, 0], [at + 1, lines, size]), [lines, size]);
  let sorted = Tensor.node(sortRunsOperation, [x], { run: firstRun, descending });
  for (let run = firstRun; run < size; run *= 2) {
    sorted = Tensor.node(mergeRunsOperation, [x, half(sorted, 0)], { run, descending });
  }
  return { order: half(sorted, 0), places: half(sorted, 1) };
}

function inferRuns([x]: readonly Tensor[]): { shape: number[]; dtype: "u32" } {
  commonDType("sort", [x], ["f32"]);
  return { shape: [2, ...x.shape], dtype: "u32" };
}

/** Sorts stretches of some runs; what order they had before does not matter. */
function sortReference(
  [x]: readonly ReferenceArray[],
  attributes: Attributes,
  output: ReferenceArray,
  runs: number,
): void {
  const { run, descending } = attributes as unknown as RunAttributes;
  const [lines, size] = x.shape;
  for (let line = 0; line < lines; line++) {
    const values = x.data.subarray(line * size, (line + 1) * size);
    for (let first = 0; first < size; first += runs * run) {
      const count = Math.min(runs * run, size - first);
      Array.from({ length: count }, (_, place) => first + place)
        .sort((a, b) => compare(values[a], values[b]) * (descending ? -1 : 1) || a - b)
        .forEach((element, place) => {
          output.data[line * size + first + place] = element;
          output.data[(lines + line) * size + element] = first + place;
        });
    }
  }
}

function compare(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return Number(a > b) - Number(a < b);
}
