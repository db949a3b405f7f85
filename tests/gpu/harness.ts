/** Helpers of the WebGPU tests. */
import type { ReferenceArray } from "../../core/graph/operation.ts";
import type { Program } from "../../core/graph/program.ts";
import { createProgram } from "../../core/graph/program.ts";
import type { Tensor } from "../../core/graph/tensor.ts";
import "../../core/ops/mod.ts";
import { evaluateReference } from "../../core/cpu/reference.ts";
import { allocateData, type TensorData } from "../../core/graph/dtype.ts";
import { type GpuDevice, openGpuDevice } from "../../gpu/gpu_device.ts";
import type { WebGpuOptions } from "../../gpu/mod.ts";
import { errorInUnits } from "../core/ops/generator.ts";

const found = await openGpuDevice({ allowSoftware: true });
const storesHalf = found?.resources.device.features.has("shader-f16") ?? false;
found?.dispose();
if (!found) console.log("Tests on webgpu are skipped: there is no adapter");
else if (!storesHalf) console.log("Tests of float16 are skipped: the adapter lacks shader-f16");

/** Shapes of the kernels for hardware, so that a software adapter can test them too. */
export const hardware: WebGpuOptions["tuning"] = {
  software: false,
  lanes: 64,
  uniformBytes: 0,
  rowWork: 1024,
};

/** True for op cases whose kernels have other shapes on hardware. */
export const differsOnHardware = (name: string): boolean =>
  /matmul|sum|mean|max|softmax|norm|entropy|attention/i.test(name);

/** Registers a test that is skipped where no adapter is; its device is disposed of afterwards. */
export function gpuTest(
  name: string,
  body: (device: GpuDevice, context: Deno.TestContext) => Promise<void> | void,
  tuning: WebGpuOptions["tuning"] = {},
  dtypePolicy: WebGpuOptions["dtypePolicy"] = "float32",
): void {
  Deno.test({
    name,
    ignore: dtypePolicy === "float32" ? !found : !storesHalf,
    sanitizeOps: true,
    sanitizeResources: true,
    async fn(context) {
      const device = (await openGpuDevice({ allowSoftware: true, tuning, dtypePolicy }))!;
      try {
        await body(device, context);
        if (!device.disposed) await device.idle();
      } finally {
        device.dispose();
        await device.idle();
      }
    },
  });
}

/** Values of leaves, as the reference takes them. */
export type Bindings = ReadonlyMap<Tensor, ReferenceArray>;

/** A leaf's value. */
export function value(leaf: Tensor, data: ArrayLike<number>): [Tensor, ReferenceArray] {
  return [leaf, { shape: leaf.shape, dtype: leaf.dtype, data: Float64Array.from(data) }];
}

/** Puts the values of a program's inputs and states on `device`; gives what `prepare` asks for. */
export function bindOn(
  device: GpuDevice,
  bindings: Bindings,
): (leaf: Tensor) => ReturnType<GpuDevice["allocate"]> {
  const known = new Map<Tensor, ReturnType<GpuDevice["allocate"]>>();
  return (leaf) => {
    const storage = known.get(leaf) ??
      device.allocate(leaf.dtype, leaf.size, String(leaf.attributes.name));
    if (!known.has(leaf)) {
      const data = allocateData(leaf.dtype, leaf.size);
      data.set(bindings.get(leaf)!.data);
      storage.write(data);
      known.set(leaf, storage);
    }
    return storage;
  };
}

/** Scalars of a step in the order that an executable wants. */
export function scalarsFor(scalars: readonly Tensor[], bindings: Bindings): number[] {
  return scalars.map((scalar) => bindings.get(scalar)!.data[0]);
}

/** Runs one step of a program of `outputs` on `device`. */
export async function evaluate(
  device: GpuDevice,
  outputs: readonly Tensor[],
  bindings: Bindings = new Map(),
): Promise<TensorData[]> {
  const program: Program = createProgram(outputs, []);
  const executable = device.prepare(program, bindOn(device, bindings));
  const done = executable.run(scalarsFor(executable.scalars, bindings));
  const results = await Promise.all(outputs.map((_, place) => executable.read(place)));
  await done;
  executable.dispose();
  return results;
}

/** How far a device may be off the reference. */
export interface Tolerance {
  /** Units in the last place; default 4. */
  readonly tolerance?: number;
  /** Smaller values are measured by the units there; default 0. */
  readonly magnitude?: number;
  /** What is compared, for messages. */
  readonly name?: string;
}

/** Says where a result is off by more than allowed; `null` where it is nowhere. */
export function differenceOf(
  actual: TensorData,
  { data, dtype }: ReferenceArray,
  { tolerance = 4, magnitude = 0, name = "" }: Tolerance,
): string | null {
  if (actual.length !== data.length) {
    return `${name}: expected ${data.length} elements, got ${actual.length}`;
  }
  for (const [index, wanted] of data.entries()) {
    const got = actual[index];
    if (dtype !== "f32" && got === wanted) continue;
    const error = dtype === "f32" ? errorInUnits(got, wanted, magnitude) : Infinity;
    if (error > tolerance) {
      return `${name}: element ${index} is ${got}, not ${wanted} (${error} units)`;
    }
  }
  return null;
}

/** Fails when `outputs` on `device` and by the reference differ by more than is allowed. */
export async function assertParity(
  device: GpuDevice,
  outputs: readonly Tensor[],
  bindings: Bindings,
  tolerance: Tolerance = {},
): Promise<void> {
  const actual = await evaluate(device, outputs, bindings);
  const expected = evaluateReference(outputs, bindings);
  for (const [place, output] of outputs.entries()) {
    const name = `${tolerance.name ?? ""} ${output.describe()}`;
    const difference = differenceOf(actual[place], expected[place], { ...tolerance, name });
    if (difference !== null) throw new Error(difference);
  }
}
