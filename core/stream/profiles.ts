import type { Device, Executable } from "../graph/device.ts";
import type { Ceilings, StepProfile } from "../graph/profile.ts";

/** Told where a step's time went; `null` when the step had nothing to compute. */
export type ProfileReceiver = (profile: StepProfile | null) => void;

/** What devices can do; measured once in a process, as the hardware stays the same. */
const measured = new Map<string, Promise<Ceilings>>();

/** The most that a device can do: known, or measured now. */
export function ceilingsOf(device: Device): Promise<Ceilings> {
  const key = `${device.type} ${device.threads} ${device.name}`;
  let ceilings = measured.get(key);
  if (!ceilings) {
    ceilings = device.measureCeilings();
    measured.set(key, ceilings);
    ceilings.catch(() => measured.delete(key));
  }
  return ceilings;
}

/** Runs a step and tells `receivers` where its time went. */
export function profileStep(
  executable: Executable,
  scalars: ArrayLike<number>,
  receivers: readonly ProfileReceiver[],
): Promise<void> | undefined {
  const profile = executable.profile(scalars);
  if (profile instanceof Promise) {
    return profile.then((known) => receivers.forEach((receive) => receive(known)));
  }
  receivers.forEach((receive) => receive(profile));
}
