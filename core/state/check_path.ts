import { received } from "./received.ts";

/**
 * Refuses what is no path of a file or a folder: Deno would take `undefined` for the name "undefined".
 *
 * @param what Whose path it is, as `csvLog`, for messages.
 * @param path What was given.
 * @throws {TypeError} when it is not a text, or an empty one.
 */
export function checkPath(what: string, path: unknown): void {
  if (typeof path === "string" && path !== "") return;
  throw new TypeError(
    `Cannot use the path of ${what} as it must be a text that names a file or a folder: received ` +
      received(path),
  );
}
