/** Every device that this machine has, for suites that are repeated on each. */
import type { TensorData } from "../core/graph/dtype.ts";
import type { Tensor } from "../core/graph/tensor.ts";
import { evaluateTensors } from "../core/cpu/evaluate.ts";
import { type DeviceOptions, openDevice } from "../core/stream/open_device.ts";

/** A device to test on. */
export interface TestDevice {
  /** Name for the titles of tests. */
  readonly name: string;
  /** What to give to `miniBatches`, `fit`, `predict`, `evaluate` and `openDevice`. */
  readonly options: DeviceOptions;
}

let found: Promise<readonly TestDevice[]> | undefined;

/**
 * The float64 reference, the CPU with one thread and with two, and WebGPU where there is an adapter;
 * where there is none, a message says that its tests are skipped.
 */
export function testDevices(): Promise<readonly TestDevice[]> {
  return found ??= findDevices();
}

async function findDevices(): Promise<readonly TestDevice[]> {
  const devices: TestDevice[] = [
    { name: "reference", options: { device: "reference" } },
    { name: "cpu, 1 thread", options: { device: "cpu", threads: 1 } },
    { name: "cpu, 2 threads", options: { device: "cpu", threads: 2 } },
  ];
  if (await navigator.gpu?.requestAdapter()) {
    devices.push({ name: "webgpu", options: { device: "webgpu" } });
  } else {
    console.log("Tests on webgpu are skipped: there is no adapter");
  }
  return devices;
}

/**
 * Registers a test for every device.
 *
 * @param title What holds on each.
 * @param body The test; it is given the options that choose the device.
 */
export async function testOnDevices(
  title: string,
  body: (options: DeviceOptions) => Promise<void>,
): Promise<void> {
  for (const { name, options } of await testDevices()) {
    // A run on a GPU that is cut short gives back its memory a moment after the stream's end.
    Deno.test({
      name: `${title} [${name}]`,
      fn: () => body(options),
      sanitizeOps: name !== "webgpu",
    });
  }
}

/** Elements of tensors, computed on the chosen device. */
export async function evaluateOn(
  options: DeviceOptions,
  tensors: readonly Tensor[],
): Promise<TensorData[]> {
  const { device } = await openDevice(options);
  try {
    return await evaluateTensors(tensors, device);
  } finally {
    await device.idle();
    device.dispose();
  }
}
