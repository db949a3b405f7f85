import { checkPath } from "./check_path.ts";
import { cannotWrite, explainedWrite, folderOf } from "./explained_write.ts";
import { keepMode, replacedFile } from "./replaced_file.ts";

/** What the writer needs of an open file. */
export interface WritableFile {
  /** Writes some of the bytes and tells how many. */
  write(bytes: Uint8Array): Promise<number>;
  /** Waits until what was written is on the disk. */
  sync(): Promise<void>;
  /** Closes the file. */
  close(): void;
}

/**
 * Writes a file so that it is either wholly replaced or left as it was.
 *
 * The bytes go to `PATH.tmp-PID` in the same folder and are flushed to the disk; then that file takes
 * the place of the old one, and the folder is flushed. If anything fails or the process is
 * killed, the old file stays whole; after a failure the temporary file is removed. It is locked while
 * its process lives, so that one which a killed process has left can be told. Of several writes to one
 * file at once, also by Workers and other processes, the last to end stays.
 *
 * A symbolic link stays: the file that it leads to is replaced, in its own folder. The new file has the
 * old one's mode, and its owner where the system lets this user give it away; of a file with several
 * names (hard links) the others keep the old contents.
 *
 * @param path The file's path. Needs `--allow-read` and `--allow-write` for its folder.
 * @param bytes The new contents.
 * @throws {Error} If the folder is missing, may not be written, or the disk is full, or the path is
 * that of a folder or a device; the message says what to do and `cause` holds the system's error.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { writeFileAtomic } from "@millrace/millrace";
 *
 * const bytes = new Uint8Array([1, 2, 3]);
 * await assert.rejects(writeFileAtomic("no-such-folder/file.bin", bytes), /no-such-folder/);
 * ```
 */
export async function writeFileAtomic(path: string, bytes: Uint8Array): Promise<void> {
  await writeFileThrough(path, bytes, openNew);
}

/**
 * Does what {@linkcode writeFileAtomic} does, with a way to open the temporary file.
 *
 * @param path The file's path.
 * @param bytes The new contents.
 * @param open Opens a new file for writing; tests give one whose disk is full.
 * @throws {Error} As {@linkcode writeFileAtomic} does.
 */
export async function writeFileThrough(
  path: string,
  bytes: Uint8Array,
  open: (path: string) => Promise<WritableFile>,
): Promise<void> {
  checkPath("a file to write", path);
  const replaced = explainedWrite(path, "beside", () => replacedFile(path));
  const place = replaced.path;
  let temporary: string | undefined;
  try {
    // Opened first, so that a folder that is missing or not allowed is known before any writing.
    // Windows has no handles of folders.
    using directory = Deno.build.os === "windows" ? undefined : await Deno.open(folderOf(place));
    const opened = await openTemporary(place, open);
    temporary = opened.temporary;
    const { file } = opened;
    try {
      // While it is empty: what others may not read they never may.
      keepMode(temporary, replaced);
      await writeAll(file, bytes);
      await file.sync();
      // Before the lock ends: a file without one is taken for what a killed process has left.
      await Deno.rename(temporary, place);
      temporary = undefined;
    } finally {
      file.close();
    }
    // Without this a power cut may bring the old file back: the new name is in the folder.
    await directory?.sync().catch(ignoreUnsupported);
  } catch (cause) {
    if (temporary !== undefined) await Deno.remove(temporary).catch(() => {});
    throw cannotWrite(place, "beside", cause);
  }
}

/**
 * Finds out whether {@linkcode writeFileAtomic} may write a file, before there is anything to write.
 *
 * A temporary file is made beside it and removed again.
 *
 * @param path The file's path. Needs `--allow-read` and `--allow-write` for its folder.
 * @throws {Error} What the write would throw: the folder is missing or may not be written, or the
 * path is that of a folder or a device.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { checkWritable } from "@millrace/millrace";
 *
 * assert.throws(() => checkWritable("no-such-folder/file.bin"), /there is no folder/);
 * ```
 */
export function checkWritable(path: string): void {
  checkPath("a file to write", path);
  const { path: place } = explainedWrite(path, "beside", () => replacedFile(path));
  explainedWrite(place, "beside", () => {
    for (let count = 0;; count++) {
      const temporary = temporaryOf(place, count);
      try {
        Deno.openSync(temporary, { write: true, createNew: true }).close();
      } catch (error) {
        if (error instanceof Deno.errors.AlreadyExists) continue;
        throw error;
      }
      return Deno.removeSync(temporary);
    }
  });
}

/** Names of temporary files of a process: the first, and further ones where that is taken. */
function temporaryOf(path: string, count: number): string {
  return `${path}.tmp-${Deno.pid}${count === 0 ? "" : `-${count}`}`;
}

/**
 * Opens a temporary file that nobody else has. Workers have the number of their process, and so may
 * processes in containers that share a folder; one that was killed may have left its file.
 */
async function openTemporary(
  path: string,
  open: (path: string) => Promise<WritableFile>,
): Promise<{ temporary: string; file: WritableFile }> {
  for (let count = 0;; count++) {
    const temporary = temporaryOf(path, count);
    try {
      return { temporary, file: await open(temporary) };
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
  }
}

/** Opens a new file and locks it; the lock ends with the process, however it ends. */
async function openNew(path: string): Promise<WritableFile> {
  const file = await Deno.open(path, { write: true, createNew: true });
  try {
    file.tryLockSync(true);
  } catch {
    // Some network file systems have no locks.
  }
  return file;
}

async function writeAll(file: WritableFile, bytes: Uint8Array): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const count = await file.write(bytes.subarray(written));
    if (count === 0) throw new Deno.errors.WriteZero("the system wrote nothing");
    written += count;
  }
}

/** Some network file systems cannot flush a folder; the file itself is in place by then. */
function ignoreUnsupported(error: unknown): void {
  if ((error as { code?: string }).code !== "EINVAL") throw error;
}
