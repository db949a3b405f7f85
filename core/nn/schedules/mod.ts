/** Numbers that follow from the iteration: one schedule a file. */

export { constantSchedule } from "./constant.ts";
export { cosineDecay } from "./cosine_decay.ts";
export type { CosineDecayOptions } from "./cosine_decay.ts";
export { exponentialDecay } from "./exponential_decay.ts";
export type { ExponentialDecayOptions } from "./exponential_decay.ts";
export { piecewiseConstant } from "./piecewise_constant.ts";
export type { PiecewiseConstantOptions } from "./piecewise_constant.ts";
export type { Schedule } from "./schedule.ts";
export { stepDecay } from "./step_decay.ts";
export type { StepDecayOptions } from "./step_decay.ts";
