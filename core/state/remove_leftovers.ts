/** Milliseconds after which a file without any byte is no write that has just begun. */
const young = 2000;

/** How the temporary files of atomic writes end: `.tmp-PID` or `.tmp-PID-NUMBER`. */
const ending = /\.tmp-\d+(-\d+)?$/;

/**
 * Removes temporary files that killed processes have left in the middle of an atomic write.
 *
 * A write holds a lock on its file as long as its process lives, so that a file without a lock is
 * nobody's. What cannot be removed stays: it is in nobody's way.
 *
 * @param folder The folder. Needs `--allow-read` and `--allow-write` for it.
 * @param isTarget Whether a file of that name may have been the target of such a write.
 */
export function removeLeftovers(folder: string, isTarget: (name: string) => boolean): void {
  try {
    for (const { name, isFile } of Deno.readDirSync(folder)) {
      if (!isFile || !ending.test(name) || !isTarget(name.replace(ending, ""))) continue;
      removeUnlocked(`${folder}/${name}`);
    }
  } catch {
    // A folder that may not be listed.
  }
}

function removeUnlocked(path: string): void {
  try {
    using file = Deno.openSync(path, { read: true, write: true });
    if (!file.tryLockSync(true)) return;
    const { ino, size, mtime } = file.statSync();
    // Its writer may have been about to lock it, or has just given it its name.
    if (size === 0 && Date.now() - (mtime?.getTime() ?? 0) < young) return;
    if (Deno.lstatSync(path).ino !== ino) return;
    Deno.removeSync(path);
  } catch {
    // It has gone by itself, or is not ours to remove.
  }
}
