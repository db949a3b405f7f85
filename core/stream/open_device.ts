import { openCpu } from "../cpu/device.ts";
import { openReference } from "../cpu/reference_device.ts";
import type { Device } from "../graph/device.ts";
import { openWebGpu } from "../../gpu/device.ts";

/**
 * Where a run computes: `auto` takes a hardware GPU, else the CPU; `webgpu` takes a software
 * adapter too; `reference` is float64 and slow. An opened {@link Device} stays open after the run.
 */
export type DeviceChoice = "auto" | "cpu" | "webgpu" | "reference" | Device;

/** Options of every call that opens a device. */
export interface DeviceOptions {
  /** Where to compute; default `auto`. */
  readonly device?: DeviceChoice;
  /** Threads of the CPU device, from 1; by default one for each processor. */
  readonly threads?: number;
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
 * @throws {Error} when WebGPU is asked for and there is no adapter, or the name is unknown.
 */
export async function openDevice(options: DeviceOptions = {}): Promise<OpenedDevice> {
  const { device: choice = "auto", threads } = options;
  if (typeof choice === "object") return { device: choice, owned: false };
  return { device: await open(choice, threads), owned: true };
}

async function open(choice: Exclude<DeviceChoice, Device>, threads?: number): Promise<Device> {
  switch (choice) {
    case "cpu":
      return openCpu({ threads });
    case "reference":
      return openReference();
    case "auto":
      return await openWebGpu({ allowSoftware: false }) ?? openCpu({ threads });
    case "webgpu": {
      const device = await openWebGpu({ allowSoftware: true });
      if (device) return device;
      throw new Error(
        `Cannot open WebGPU as there is no adapter: install a GPU driver with Vulkan (or Debian's ` +
          `mesa-vulkan-drivers for a software adapter), or use device "cpu"`,
      );
    }
    default:
      throw new TypeError(
        `Cannot open the device "${choice}": expected auto, cpu, webgpu or reference`,
      );
  }
}
