/**
 * Does what writes a file or a folder, and says of an error what to do about it.
 *
 * @param path What is written.
 * @param reading When it is read too, as `to append`: what needs another permission.
 * @param action Writes it.
 * @returns What `action` returns.
 * @throws {Error} What `action` throws, as the `cause` of one that names the path.
 */
export function explainedWrite<Result>(
  path: string,
  reading: string,
  action: () => Result,
): Result {
  try {
    return action();
  } catch (cause) {
    const hint = cause instanceof Deno.errors.NotCapable
      ? `this program has no permission to: run it again with --allow-write="${path}" (${reading}, ` +
        `also --allow-read="${path}")`
      : `the system refused: ${(cause as Error).message}`;
    throw new Error(`Cannot write "${path}" as ${hint}`, { cause });
  }
}
