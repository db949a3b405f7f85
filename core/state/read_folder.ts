import { DataError } from "../graph/errors.ts";
import { unreadable } from "./read_bytes.ts";

/**
 * What a folder holds, in the order of the names.
 *
 * @param path The folder. Needs the permission `--allow-read=PATH`.
 * @throws {DataError} If it cannot be read, or is a file; the message says what to do and `cause` holds
 * the system's error.
 */
export async function readFolder(path: string): Promise<Deno.DirEntry[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(path));
    return entries.sort((one, other) => one.name < other.name ? -1 : 1);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotADirectory)) throw unreadable(path, cause);
    throw new DataError(
      `Cannot read a folder as "${path}" is a file: expected a folder`,
      { file: path, cause },
    );
  }
}
