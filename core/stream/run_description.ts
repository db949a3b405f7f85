import type { AnyModel } from "../nn/connect.ts";
import type { RunDescription } from "./epoch.ts";
import type { Run } from "./run.ts";
import type { RunSettings } from "./saved_run.ts";

/** What a run is, for people and logs. */
export function describeRun(
  { device, weightTable, validationSamples: validation, saved }: Run,
  models: readonly AnyModel[],
  { seed, samples }: Pick<RunSettings, "seed" | "samples">,
): RunDescription {
  const { type, name, threads, reason } = device;
  return {
    model: models.map(({ name }) => name).join("+"),
    parameters: [...weightTable.leaves.values()].reduce((sum, { size }) => sum + size, 0),
    device: { type, name, threads, ...(reason === undefined ? {} : { reason }) },
    seed,
    samples: { train: samples, ...(validation === undefined ? {} : { validation }) },
    ...(saved ? { resumed: { epoch: saved.position.epoch, step: saved.position.step } } : {}),
  };
}
