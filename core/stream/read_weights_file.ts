import { DataError } from "../graph/errors.ts";

/**
 * The bytes of a file of weights.
 *
 * @param path The file. Needs `--allow-read`.
 * @throws {DataError} when it cannot be read; the message says why and what to do.
 */
export async function readWeightsFile(path: string): Promise<Uint8Array> {
  try {
    return await Deno.readFile(path);
  } catch (cause) {
    const reason = cause instanceof Deno.errors.NotFound
      ? "there is no such file, check its path"
      : cause instanceof Deno.errors.NotCapable
      ? `reading it is not permitted: run with --allow-read=${path}`
      : cause instanceof Deno.errors.IsADirectory
      ? "it is a folder, name a file in it"
      : cause instanceof Deno.errors.PermissionDenied
      ? "the system does not let this user read it, check the file's owner and mode"
      : (cause as Error).message;
    throw new DataError(`Cannot read the weights ${path}: ${reason}`, { file: path });
  }
}
