import type { Device } from "../../core/graph/device.ts";
import { openDevice } from "../../core/stream/open_device.ts";
import { type TestDevice, testDevices } from "../devices.ts";

/** The devices of this machine whose names begin with one of `kinds`; all by default. */
export async function devicesOf(...kinds: string[]): Promise<readonly TestDevice[]> {
  const devices = await testDevices();
  return kinds.length === 0
    ? devices
    : devices.filter(({ name }) => kinds.some((kind) => name.startsWith(kind)));
}

/** Registers a test on each device, which is opened for it and disposed of afterwards. */
export async function deviceTest(
  name: string,
  body: (device: Device) => Promise<void>,
  ...kinds: string[]
): Promise<void> {
  for (const { name: where, options } of await devicesOf(...kinds)) {
    Deno.test(`${name} [${where}]`, async () => {
      const { device } = await openDevice(options);
      try {
        await body(device);
      } finally {
        device.dispose();
        await device.idle();
      }
    });
  }
}
