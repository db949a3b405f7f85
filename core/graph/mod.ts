/**
 * Tensors as symbols, and what a program and a device are.
 *
 * @module
 */
export type { Device, DeviceType, Executable, PrepareOptions, Storage } from "./device.ts";
export type { DType, TensorData } from "./dtype.ts";
export {
  DataError,
  DisposedError,
  DTypeError,
  KernelError,
  NonFiniteError,
  ShapeError,
} from "./errors.ts";
export type { Ceilings, KernelWork, ProfileSpan, StepProfile } from "./profile.ts";
export type { Assignment, Program } from "./program.ts";
export type { Sample } from "./operation.ts";
export type {
  CellActivation,
  CellName,
  RecurrenceAttributes,
  RecurrenceExtra,
} from "./recurrence.ts";
export type { Shape } from "./shape.ts";
export { Tensor, type TensorLike } from "./tensor.ts";
export type { ConvolutionAttributes, Triple, Window } from "./window.ts";
