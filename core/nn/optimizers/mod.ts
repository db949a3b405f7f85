/** Rules that change weights by their gradients: one family a file. */

export { adadelta } from "./adadelta.ts";
export type { AdadeltaOptions } from "./adadelta.ts";
export { adafactor } from "./adafactor.ts";
export type { AdafactorOptions } from "./adafactor.ts";
export { adagrad } from "./adagrad.ts";
export type { AdagradOptions } from "./adagrad.ts";
export { adam, adamw } from "./adam.ts";
export type { AdamOptions } from "./adam.ts";
export { adamax } from "./adamax.ts";
export type { AdamaxOptions } from "./adamax.ts";
export { ftrl } from "./ftrl.ts";
export type { FtrlOptions } from "./ftrl.ts";
export { lamb } from "./lamb.ts";
export type { LambOptions } from "./lamb.ts";
export { lion } from "./lion.ts";
export type { LionOptions } from "./lion.ts";
export { muon } from "./muon.ts";
export type { MuonOptions } from "./muon.ts";
export { nadam } from "./nadam.ts";
export type { NadamOptions } from "./nadam.ts";
export { rmsprop } from "./rmsprop.ts";
export type { RmspropOptions } from "./rmsprop.ts";
export { scheduleFreeAdamW } from "./schedule_free_adamw.ts";
export type { ScheduleFreeAdamWOptions } from "./schedule_free_adamw.ts";
export { sgd } from "./sgd.ts";
export type { SgdOptions } from "./sgd.ts";
