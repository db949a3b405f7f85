import { readRun, type RunSettings, type SavedRun } from "./saved_run.ts";

/**
 * The run that goes on, if one does.
 *
 * @param settings What it is started with now.
 * @param path Its file; `undefined` for none.
 * @throws {RangeError} when it was started with other settings.
 * @throws {DataError} when the file cannot be read, is damaged, or holds weights only.
 */
export async function resumedRun(
  settings: RunSettings,
  path?: string,
): Promise<SavedRun | undefined> {
  if (path === undefined) return undefined;
  const saved = await readRun(path);
  // An option that was given then and is not now is another setting too.
  for (const name of Object.keys({ ...saved.settings, ...settings }) as (keyof RunSettings)[]) {
    const [before, now] = [saved.settings[name], settings[name]];
    if (before === now) continue;
    throw new RangeError(
      `Cannot resume from ${path} as ${name} must be what it was, ${before ?? "not given"}: ` +
        `received ${now ?? "none"}`,
    );
  }
  return saved;
}

/** Epoch to go on with, and its steps that are done. */
export function startOf(saved: SavedRun | undefined): { epoch: number; stepInEpoch: number } {
  if (!saved) return { epoch: 1, stepInEpoch: 0 };
  const { epoch, stepInEpoch, stepsPerEpoch } = saved.position;
  return stepInEpoch === stepsPerEpoch
    ? { epoch: epoch + 1, stepInEpoch: 0 }
    : { epoch, stepInEpoch };
}
