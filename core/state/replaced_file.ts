import { dirname, isAbsolute } from "node:path";

/** More links than the system itself follows. */
const mostLinks = 40;

/** A file that another one is to take the place of. */
export interface ReplacedFile {
  /** Where it is, or will be: no symbolic link, whose own place is kept. */
  readonly path: string;
  /** Its owner and mode, for the new one; `undefined` where there is none yet. */
  readonly info: Deno.FileInfo | undefined;
}

/**
 * The file at a path, as one that opens it would find it: symbolic links are followed, also one that
 * leads to a file that is yet to be.
 *
 * @param path The path. Needs `--allow-read` for its folder.
 * @throws {Error} If it is a folder, or what holds it cannot be looked at: the system's error.
 * @throws {TypeError} If it is a device, a pipe or a socket.
 */
export function replacedFile(path: string): ReplacedFile {
  // Looked at before links are followed one by one: those of /proc lead to files without a name.
  const info = statOf(path);
  if (info?.isDirectory) throw new Deno.errors.IsADirectory("Is a directory");
  if (info && !info.isFile) {
    throw new TypeError(
      `Cannot write "${path}" as it is a device, a pipe or a socket, which no file may take the ` +
        `place of: name a file`,
    );
  }
  return { path: followed(path), info };
}

/**
 * Where symbolic links lead from a path; a path that is none as it is.
 *
 * @param path The path. Needs `--allow-read` for its folder.
 */
export function followed(path: string): string {
  let target = path;
  for (let links = 0; links < mostLinks; links++) {
    const next = linkOf(target);
    if (next === undefined) break;
    target = isAbsolute(next) ? next : `${dirname(target)}/${next}`;
  }
  return target;
}

/**
 * Gives a new file the owner and the mode of the one that it will take the place of.
 *
 * @param path The new file. Needs `--allow-write` for it.
 * @param replaced The old one.
 */
export function keepMode(path: string, { info }: ReplacedFile): void {
  if (!info || Deno.build.os === "windows") return;
  const { uid, gid, mode } = info;
  const own = Deno.statSync(path);
  if (uid !== own.uid || gid !== own.gid) attempt(() => Deno.chownSync(path, uid!, gid!));
  attempt(() => Deno.chmodSync(path, mode! & 0o7777));
}

/** What a user may not give away, or a file system does not have, stays as it is. */
function attempt(action: () => void): void {
  try {
    action();
  } catch {
    // The contents are what counts.
  }
}

function statOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function linkOf(path: string): string | undefined {
  try {
    return Deno.lstatSync(path).isSymlink ? Deno.readLinkSync(path) : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
