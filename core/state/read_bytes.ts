import { DataError } from "../graph/errors.ts";
import { checkPath } from "./check_path.ts";

/**
 * Reads a whole file.
 *
 * @param path The file's path. Needs the permission `--allow-read=PATH`.
 * @throws {DataError} If it cannot be read; the message says what to do and `cause` holds the
 * system's error.
 * @throws {TypeError} If the path is no text.
 */
export async function readBytes(path: string): Promise<Uint8Array> {
  checkPath("a file to read", path);
  try {
    return await Deno.readFile(path);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/**
 * The error of a file or folder that cannot be read: what to do, and the system's error as its `cause`.
 *
 * @param path Its path.
 * @param cause What the system said.
 */
export function unreadable(path: string, cause: unknown): DataError {
  return new DataError(`Cannot read "${path}" as ${reasonOf(path, cause)}`, { file: path, cause });
}

function reasonOf(path: string, error: unknown): string {
  if (error instanceof Deno.errors.NotCapable) {
    return `this program has no permission to: run it again with --allow-read=${path}`;
  }
  if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
    return "there is no such file: check its path";
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return "the system does not let this user read it: check the file's owner and mode";
  }
  if (error instanceof Deno.errors.IsADirectory) return "it is a folder: name a file in it";
  return `the system refused: ${error instanceof Error ? error.message : String(error)}`;
}
