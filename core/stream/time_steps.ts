import type { Device, Executable } from "../graph/device.ts";

/** Milliseconds that timing one device may take, its first step not counted: that one compiles. */
const timingBudget = 60;

/** Milliseconds of work beside which the wait for a GPU, some 11 ms, says little. */
const enough = 20;

/**
 * Milliseconds that one more step of a program takes on its device, when many follow each other.
 *
 * Windows of 1, 4, 16 … steps are timed, each with one wait at its end; the longest one, less the
 * first, leaves the steps without the wait.
 *
 * @param executable The program; its states change.
 * @param scalars The step's numbers.
 * @param device Its device.
 * @param little Milliseconds so few that it does not matter how many fewer they are; default 0.
 */
export async function timeSteps(
  executable: Executable,
  scalars: ArrayLike<number>,
  device: Device,
  little = 0,
): Promise<number> {
  await executable.run(scalars);
  await device.idle();
  const begun = performance.now();
  const window = async (steps: number) => {
    const start = performance.now();
    for (let step = 0; step < steps; step++) void executable.run(scalars);
    await device.idle();
    return performance.now() - start;
  };
  const alone = await window(1);
  if (alone < little) return alone;
  // A GPU takes no more steps at once than these; elsewhere each is done when `run` returns.
  const most = Math.max(device.stepsInFlight, 256);
  let [steps, all] = [1, alone];
  while (
    steps * 4 <= most && all - alone < enough &&
    // The next window is four times as long as this one, its wait apart.
    performance.now() - begun + alone + 4 * (all - alone) < timingBudget
  ) {
    steps *= 4;
    all = await window(steps);
  }
  return steps === 1 ? alone : Math.max(0, (all - alone) / (steps - 1));
}
