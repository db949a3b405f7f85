import { arrayCases } from "./array_cases.ts";
import { attentionCases } from "./attention_cases.ts";
import { composedCases, randomCases, softmaxCases } from "./composed_cases.ts";
import { elementwiseCases } from "./elementwise_cases.ts";
import type { OpCase } from "./generator.ts";
import { ctcCases } from "./ctc_cases.ts";
import { linearCases } from "./linear_cases.ts";
import { recurrenceCases } from "./recurrence_cases.ts";
import { segmentCases } from "./segment_cases.ts";
import { samplingCases } from "./sampling_cases.ts";
import { gatherCases, matmulCases, reductionCases, viewCases } from "./structured_cases.ts";
import { windowCases } from "./window_cases.ts";

export type { CaseInput, OpCase } from "./generator.ts";
export { errorInUnits, mulberry32 } from "./generator.ts";

/**
 * Uses of every op in every type and several shapes: the reference's gradients are checked on them,
 * and each device is held to the reference by them.
 *
 * A device's f32 result is right if {@link errorInUnits} of each element is within the case's
 * tolerance; other types must be equal.
 */
export function opCases(random: () => number): OpCase[] {
  return [
    ...elementwiseCases(random),
    ...matmulCases(random),
    ...reductionCases(random),
    ...viewCases(random),
    ...gatherCases(random),
    ...segmentCases(random),
    ...windowCases(random),
    ...recurrenceCases(random),
    ...ctcCases(random),
    ...samplingCases(random),
    ...softmaxCases(random),
    ...composedCases(random),
    ...arrayCases(random),
    ...linearCases(random),
    ...randomCases(random),
    ...attentionCases(random),
  ];
}
