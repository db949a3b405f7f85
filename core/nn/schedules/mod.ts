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
export { cosineDecayRestarts } from "./cosine_decay_restarts.ts";
export type { CosineDecayRestartsOptions } from "./cosine_decay_restarts.ts";
export { inverseTimeDecay } from "./inverse_time_decay.ts";
export type { InverseTimeDecayOptions } from "./inverse_time_decay.ts";
export { oneCycle } from "./one_cycle.ts";
export type { OneCycleOptions } from "./one_cycle.ts";
export { polynomialDecay } from "./polynomial_decay.ts";
export type { PolynomialDecayOptions } from "./polynomial_decay.ts";
