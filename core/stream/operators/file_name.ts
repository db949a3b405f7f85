/** `{epoch}`, `{epoch:03d}`, `{val_loss:.4f}`: a name, and how its number is written. */
const placeholder = /\{([^{}:]+)(?::([^{}]*))?\}/g;
const format = /^(0?)(\d*)(?:\.(\d+))?([dfe]?)$/;

/** Whether a path has places for numbers. */
export function isTemplate(path: string): boolean {
  return path.search(placeholder) >= 0;
}

/**
 * Refuses a path whose places for numbers cannot be filled in.
 *
 * @throws {RangeError} when a format is unknown, or there is a place in a folder's name.
 */
export function checkTemplate(path: string): void {
  for (const [text, , spec = ""] of path.matchAll(placeholder)) {
    if (format.test(spec)) continue;
    throw new RangeError(
      `Cannot use the path "${path}" as ${text} must be written as {epoch}, {epoch:03d}, ` +
        `{loss:.4f} or {loss:.2e}: received the format "${spec}"`,
    );
  }
  const folder = path.slice(0, Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
  if (isTemplate(folder)) {
    throw new RangeError(
      `Cannot use the path "${path}" as its folder must have one name: received "${folder}"`,
    );
  }
}

/**
 * A path with numbers in their places, as Python's `str.format` writes them.
 *
 * @param path The path.
 * @param values Numbers by name.
 * @throws {RangeError} when there is no number of a name.
 */
export function fileName(path: string, values: Readonly<Record<string, number>>): string {
  return path.replace(placeholder, (_, name: string, spec: string | undefined) => {
    if (!Object.hasOwn(values, name)) {
      throw new RangeError(
        `Cannot name a file by "${path}" as there is no number "${name}": received ` +
          Object.keys(values).join(", "),
      );
    }
    const value = values[name];
    const [, zero, width, digits, kind] = format.exec(spec ?? "")!;
    const text = !Number.isFinite(value)
      ? String(value)
      : kind === "e"
      ? value.toExponential(Number(digits ?? 6))
      : kind === "d"
      ? String(Math.round(value))
      : digits !== undefined || kind === "f"
      ? value.toFixed(Number(digits ?? 6))
      : String(value);
    return text.padStart(Number(width), zero || " ");
  });
}

/** The folder of a path, and a test of the names that the path may have in it, numbers in place. */
export function namesOf(path: string): { folder: string; isOne: (name: string) => boolean } {
  const cut = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1;
  const text = path.slice(cut).split(placeholder).filter((_, at) => at % 3 === 0);
  const escaped = text.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const pattern = new RegExp(`^${escaped.join(".+")}$`);
  return { folder: path.slice(0, cut) || ".", isOne: (name) => pattern.test(name) };
}

/** The path without its places for numbers, and with a word before its ending. */
export function besidePath(path: string, word: string): string {
  return path.replace(/[-_.]?\{[^{}]*\}/g, "").replace(/(\.[^./\\]*)?$/, `.${word}$1`);
}
