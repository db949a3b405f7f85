import { attentionKernel } from "./attention.ts";
import { attentionGradientKernel } from "./attention_gradient.ts";
import { bincountKernel } from "./bincount.ts";
import { choleskyKernel } from "./cholesky.ts";
import { convolutionKernel, convolutionKernelGradientKernel } from "./convolution.ts";
import { eliminateKernel } from "./eliminate.ts";
import { gatherKernel } from "./gather.ts";
import { ctcPathsKernel, ctcPosteriorsKernel } from "./ctc.ts";
import type { GpuKernel } from "./kernel.ts";
import { matmulKernel } from "./matmul.ts";
import {
  maxPoolGradientKernel,
  maxPoolKernel,
  maxPoolSelectKernel,
  sumPoolKernel,
} from "./pooling.ts";
import { recurrenceStepsKernel } from "./recurrence.ts";
import { recurrenceGradientKernel } from "./recurrence_gradient.ts";
import { sampleImageGradientKernel, sampleImageKernel } from "./sampling.ts";
import { scatterAddKernel } from "./scatter_add.ts";
import { segmentKernel } from "./segment.ts";
import { mergeRunsKernel, sortRunsKernel } from "./sort.ts";

/** Ops that need a kernel of their own on every device. */
export type StructuredName =
  | "matmul"
  | "gather"
  | "scatterAdd"
  | "segmentSum"
  | "segmentMax"
  | "bincount"
  | "eliminate"
  | "cholesky"
  | "convolution"
  | "convolutionKernelGradient"
  | "sumPool"
  | "maxPool"
  | "maxPoolSelect"
  | "maxPoolGradient"
  | "recurrenceSteps"
  | "recurrenceGradient"
  | "ctcPaths"
  | "ctcPosteriors"
  | "sortRuns"
  | "mergeRuns"
  | "sampleImage"
  | "sampleImageGradient"
  | "attention"
  | "attentionGradient";

/** The kernel of each structured op; a missing one does not compile. */
const structuredKernels = {
  matmul: matmulKernel,
  gather: gatherKernel,
  scatterAdd: scatterAddKernel,
  segmentSum: segmentKernel,
  segmentMax: segmentKernel,
  bincount: bincountKernel,
  eliminate: eliminateKernel,
  cholesky: choleskyKernel,
  convolution: convolutionKernel,
  convolutionKernelGradient: convolutionKernelGradientKernel,
  sumPool: sumPoolKernel,
  maxPool: maxPoolKernel,
  maxPoolSelect: maxPoolSelectKernel,
  maxPoolGradient: maxPoolGradientKernel,
  recurrenceSteps: recurrenceStepsKernel,
  recurrenceGradient: recurrenceGradientKernel,
  ctcPaths: ctcPathsKernel,
  ctcPosteriors: ctcPosteriorsKernel,
  sortRuns: sortRunsKernel,
  mergeRuns: mergeRunsKernel,
  sampleImage: sampleImageKernel,
  sampleImageGradient: sampleImageGradientKernel,
  attention: attentionKernel,
  attentionGradient: attentionGradientKernel,
} as const satisfies Record<StructuredName, GpuKernel>;

/** The kernel of the structured op `name`. */
export function structuredKernel(name: string): GpuKernel {
  if (!(name in structuredKernels)) {
    throw new Error(`Cannot run the op "${name}" on WebGPU as it has no kernel there`);
  }
  return structuredKernels[name as StructuredName];
}
