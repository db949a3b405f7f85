import type { TensorData } from "./dtype.ts";
import type { Tensor } from "./tensor.ts";

/** Gives the elements of a tensor, sooner or later. */
export type Reader = (tensor: Tensor) => Promise<TensorData>;

let current: Reader | null = null;

/** Runs `body` with `reader` answering `tensor.data()`: a step, while its stages are called. */
export function withReader<Result>(reader: Reader, body: () => Result): Result {
  const before = current;
  current = reader;
  try {
    return body();
  } finally {
    current = before;
  }
}

/** The reader of the step that is being staged; `null` outside of one. */
export function currentReader(): Reader | null {
  return current;
}
