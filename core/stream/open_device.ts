import { openCpu } from "../cpu/device.ts";
import { openReference } from "../cpu/reference_device.ts";
import type { Device } from "../graph/device.ts";
import { type DTypePolicy, openWebGpu } from "../../gpu/device.ts";
import { FasterDevice } from "./faster_device.ts";

/**
 * Where a run computes. `auto` is the CPU, unless there is a hardware GPU on which the run's own
 * first step is measured to be faster (in up to a second; none is looked for if the CPU does all
 * steps in three seconds, or if these are fewer than five). `webgpu` takes a software adapter too;
 * `reference` is float64 and slow. An opened {@link Device} stays open after the run.
 */
export type DeviceChoice = "auto" | "cpu" | "webgpu" | "reference" | Device;

/** Options of every call that opens a device. */
export interface DeviceOptions {
  /** Where to compute; default `auto`. */
  readonly device?: DeviceChoice;
  /** Threads of a CPU device that is opened here, from 1; by default one for each processor. */
  readonly threads?: number;
  /**
   * `mixed_float16` stores activations and their gradients as 16-bit floats, and adds up in float32,
   * on device `webgpu` alone; default `float32`. Train with `lossScaling` in the place of `backward`.
   */
  readonly dtypePolicy?: DTypePolicy;
}

/** A device, and whether whoever opened it must dispose of it. */
export interface OpenedDevice {
  /** The device. */
  readonly device: Device;
  /** True when it was opened here. */
  readonly owned: boolean;
}

/**
 * Opens the chosen device, or takes the one given.
 *
 * @param options Which device.
 * @param steps Steps that will be run, if that is known: `auto` measures nothing for a few, and for one
 * the CPU starts no threads.
 * @returns The device. That of `auto` may become another one at its first step: `decided` settles
 * then, and `reason` says why.
 * @throws {Error} when WebGPU is asked for and there is no adapter, the name is unknown, or the device
 * has no such `dtypePolicy`.
 */
export async function openDevice(
  options: DeviceOptions = {},
  steps?: number,
): Promise<OpenedDevice> {
  const { device: choice = "auto", threads, dtypePolicy = "float32" } = options;
  if (choice === "webgpu") return { device: await openAnyGpu(dtypePolicy), owned: true };
  if (dtypePolicy !== "float32") {
    throw new TypeError(
      typeof choice === "object"
        ? `Cannot set the dtypePolicy of an open device: give "${dtypePolicy}" to openWebGpu`
        : `Cannot open the device "${choice}" with the dtypePolicy "${dtypePolicy}": expected ` +
          'float32, or device "webgpu", which has mixed_float16 too',
    );
  }
  if (typeof choice === "object") return { device: choice, owned: false };
  return { device: await open(choice, threads, steps), owned: true };
}

async function openAnyGpu(dtypePolicy: DTypePolicy): Promise<Device> {
  const device = await openWebGpu({ allowSoftware: true, dtypePolicy });
  if (device) return device;
  throw new Error(
    `Cannot open WebGPU as there is no adapter: install a GPU driver with Vulkan (or Debian's ` +
      `mesa-vulkan-drivers for a software adapter), or use device "cpu"`,
  );
}

async function open(
  choice: Exclude<DeviceChoice, Device | "webgpu">,
  threads?: number,
  steps?: number,
): Promise<Device> {
  switch (choice) {
    case "cpu":
      return openCpu({ threads, steps });
    case "reference":
      return openReference();
    case "auto":
      return await openFaster(threads, steps);
    default:
      throw new TypeError(
        `Cannot open the device "${choice}": expected auto, cpu, webgpu or reference`,
      );
  }
}

/** Whether there is a hardware GPU, once somebody has looked: a look costs 40 ms and 80 MiB. */
let hardware: Promise<boolean> | undefined;

async function openFaster(threads?: number, steps?: number): Promise<Device> {
  const known = await hardware;
  if (known === false) return openCpu({ threads, steps, reason: "no hardware GPU" });
  return new FasterDevice(openCpu({ threads, steps }), openHardware, { steps });
}

async function openHardware(): Promise<Device | null> {
  if (hardware && !await hardware) return null;
  const opening = openWebGpu({ allowSoftware: false });
  // An adapter that gives no device is there all the same.
  hardware ??= opening.then((gpu) => gpu !== null, () => true);
  return await opening;
}
