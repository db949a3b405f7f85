import type { TensorData } from "../graph/dtype.ts";
import type { Device } from "../graph/device.ts";
import { createProgram } from "../graph/program.ts";
import { currentReader } from "../graph/reader.ts";
import { registerMethod, type Tensor } from "../graph/tensor.ts";
import { openCpu } from "./device.ts";

let shared: Device | undefined;

/**
 * Computes tensors that depend on no run, together, and gives their elements row by row.
 *
 * @param tensors What to compute; made from `tensor()`, literals and ops.
 * @param device Where; by default this thread of the CPU.
 * @throws {Error} when a tensor depends on the data or weights of a run.
 *
 * @example
 * ```ts
 * import { evaluateTensors, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const x = tensor([1, 2]);
 * const [double, square] = await evaluateTensors([x.mul(2), x.square()]);
 * assert.deepEqual([...double, ...square], [2, 4, 1, 4]);
 * ```
 */
export async function evaluateTensors(
  tensors: readonly Tensor[],
  device: Device = shared ??= openCpu({ threads: 1 }),
): Promise<TensorData[]> {
  const program = createProgram(tensors, []);
  const executable = device.prepare(program, refuse);
  try {
    if (executable.scalars.length > 0) refuse(executable.scalars[0]);
    await executable.run([]);
    return await Promise.all(tensors.map((_, place) => executable.read(place)));
  } finally {
    executable.dispose();
  }
}

function refuse(leaf: Tensor): never {
  throw new Error(
    `Cannot read a tensor that depends on "${leaf.attributes.name ?? leaf.operation.name}" of a ` +
      `run: call data() while the step goes down the pipe, for example in tap()`,
  );
}

registerMethod("data", (tensor: Tensor): Promise<TensorData> => {
  const reader = currentReader();
  return reader ? reader(tensor) : evaluateTensors([tensor]).then(([data]) => data);
});
