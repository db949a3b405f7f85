import type { Call, StructuredCall } from "../graph/call.ts";
import type { Plan } from "../graph/plan.ts";
import { sizeOf } from "../graph/shape.ts";

/** Roughly how long one thread takes for a plan. */
export function planMicroseconds(plan: Plan): number {
  return plan.phases.flat().reduce((sum, call) => sum + callMicroseconds(call), 0);
}

/** Roughly how long one thread takes: 40 products-and-sums a nanosecond, 8 loop operations. */
export function callMicroseconds(call: Call): number {
  const nanoseconds = call.kind === "loop"
    ? sizeOf(call.kernel.shape) * call.kernel.body.length / 8
    : sizeOf(call.output.shape) * innerProducts(call) * 2 / 40;
  return nanoseconds / 1000;
}

/** Products that are summed for each element of a call's result. */
function innerProducts({ name, operands: [a, b] }: StructuredCall): number {
  if (name === "matmul") return a.shape.at(-1)!;
  if (name === "recurrenceSteps" || name === "recurrenceGradient") return b.shape[0];
  if (name === "attention") return 2 * b.shape[1];
  if (name === "attentionGradient") return Math.max(a.shape[1], b.shape[1]);
  // A logarithm and three exponentials.
  if (name === "ctcPaths" || name === "ctcPosteriors") return 1000;
  if (name === "eliminate") return a.shape[1] ** 2;
  if (name === "cholesky") return 8 * a.shape[1];
  // Some sixteen comparisons for an element of a run, and one for one that is merged.
  if (name === "sortRuns") return 300;
  if (name === "mergeRuns") return 40;
  if (name === "convolution") return sizeOf(b.shape.slice(0, 4));
  if (name === "convolutionKernelGradient") return sizeOf(b.shape.slice(0, 4));
  return 1;
}
