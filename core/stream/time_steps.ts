import type { Device, Executable } from "../graph/device.ts";

/** Milliseconds of work beside which the wait for a GPU, some 11 ms, says little. */
const enough = 20;

/** Milliseconds, and windows, of which none was faster by a twentieth: none is expected to be. */
const settled = 100;
const settledWindows = 3;

/** Milliseconds that timing one device may take, its first step and what is begun by then not counted. */
const timingBudget = 500;

/**
 * Milliseconds that one more step of a program takes on its device, when many follow each other.
 *
 * Windows of 1, 4, 16 … steps are timed, each with one wait at its end; the longest one, less the
 * first, leaves the steps without the wait. Both are timed again until they get no faster: kernels on
 * the CPU take several times as long until V8 has compiled them for speed, some 0.1 s later.
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
  let alone = await window(1);
  if (alone < little) return alone;
  // A GPU takes no more steps at once than these; elsewhere each is done when `run` returns.
  const most = Math.max(device.stepsInFlight, 256);
  let [steps, all] = [1, alone];
  while (steps * 4 <= most && all - alone < enough && alone + 4 * (all - alone) < settled) {
    steps *= 4;
    all = await window(steps);
    // The wait's share included, so that a hiccup of the first window does not make little of much.
    if (all < little * steps) return all / steps;
  }
  const perStep = () => steps === 1 ? all : Math.max(0, (all - alone) / (steps - 1));
  let [improved, since] = [performance.now(), 0];
  while (perStep() >= little && performance.now() - begun < timingBudget) {
    if (steps > 1) alone = Math.min(alone, await window(1));
    const again = await window(steps);
    if (again < 0.95 * all) [improved, since] = [performance.now(), 0];
    else if (++since >= settledWindows && performance.now() - improved > settled) break;
    all = Math.min(all, again);
  }
  return perStep();
}
