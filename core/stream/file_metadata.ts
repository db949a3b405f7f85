/** What files say of themselves, by key; a caller's texts have other keys. */
const ownKeys: readonly string[] = [
  "checksum",
  "format_version",
  "epoch",
  "step",
  "logs",
  "reason",
  "message",
  "run",
  "models",
];

/**
 * Texts that a file keeps for its caller, once they are checked.
 *
 * @param operation What keeps them, for messages.
 * @param metadata The texts by key.
 * @returns A copy.
 * @throws {RangeError} when a key is one of the file's own.
 * @throws {TypeError} when a value is no text.
 */
export function checkMetadata(
  operation: string,
  metadata: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  for (const [key, text] of Object.entries(metadata)) {
    if (ownKeys.includes(key)) {
      throw new RangeError(
        `Cannot keep "${key}" in the metadata of ${operation} as the file says that itself: ` +
          `choose another key than ${ownKeys.join(", ")}`,
      );
    }
    if (typeof text === "string") continue;
    throw new TypeError(
      `Cannot keep "${key}" in the metadata of ${operation} as it must be a text: received ` +
        `${typeof text} (make one with JSON.stringify)`,
    );
  }
  return { ...metadata };
}
