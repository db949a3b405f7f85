import { dirname } from "node:path";

/**
 * How a path is written: `"beside"`, a file that gives way to one written beside it; `"in place"`, a
 * file that is opened and written; `"folder"`, a folder in which files are made.
 */
export type WriteWay = "beside" | "in place" | "folder";

/**
 * Does what writes a file or a folder, and says of an error of the system what to do about it.
 *
 * @param path What is written.
 * @param way How.
 * @param action Writes it.
 * @returns What `action` returns.
 * @throws {Error} What {@linkcode cannotWrite} makes of an error of the system; another error of
 * `action` as it is.
 */
export function explainedWrite<Result>(path: string, way: WriteWay, action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    throw isOfSystem(error) ? cannotWrite(path, way, error) : error;
  }
}

/**
 * Makes a folder and those that it is in, unless they are there.
 *
 * @param path The folder. Needs `--allow-write` for it.
 * @throws {Error} If it cannot be; the message says what to do and `cause` holds the system's error.
 */
export function makeFolder(path: string): void {
  explainedWrite(path, "folder", () => Deno.mkdirSync(path, { recursive: true }));
}

/**
 * Makes the folder of a file that is to be replaced as a whole, and those that it is in.
 *
 * @param path The file. Needs `--allow-write` for its folder.
 * @throws {Error} As {@linkcode makeFolder} does, about the file.
 */
export function makeFolderOf(path: string): void {
  const folder = folderOf(path);
  explainedWrite(path, "beside", () => {
    // Whoever may write the folder need not be allowed to make it.
    const isThere = ["folder", "unknown"].includes(kindOf(folder));
    if (!isThere) Deno.mkdirSync(folder, { recursive: true });
  });
}

/**
 * The error of a write that has failed.
 *
 * @param path What was to be written.
 * @param way How.
 * @param cause What the system has said.
 * @returns An error that names the path and says why and what to do.
 */
export function cannotWrite(path: string, way: WriteWay, cause: unknown): Error {
  return new Error(`Cannot write "${path}" as ${reasonOf(path, way, cause)}`, { cause });
}

/** The folder of a path, as a message or a flag names it. */
export function folderOf(path: string): string {
  const backslash = Deno.build.os === "windows" ? path.lastIndexOf("\\") : -1;
  const end = Math.max(path.lastIndexOf("/"), backslash);
  return end < 0 ? "." : path.slice(0, end + 1);
}

/** Whether the disk has no room; Deno has no class for that. */
export function isFullDisk(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === "ENOSPC" || code === "EDQUOT";
}

function isOfSystem(error: unknown): boolean {
  return Object.values(Deno.errors).some((kind) => error instanceof kind) ||
    /^E[A-Z]+$/.test(String((error as { code?: string } | undefined)?.code));
}

function reasonOf(path: string, way: WriteWay, error: unknown): string {
  const { code, message } = error as { code?: string; message: string };
  if (isFullDisk(error)) {
    return `the disk is full: free some space${
      way === "beside" ? ", the old file is unharmed" : ""
    }`;
  }
  if (error instanceof Deno.errors.NotCapable) {
    return `this program has no permission to: run it again with ${flagsOf(path, way)}`;
  }
  const denied = error instanceof Deno.errors.PermissionDenied || code === "EROFS";
  return obstacleOf(path, way, denied) ?? unseenObstacle(path, error) ??
    `the system refused: ${message}`;
}

/** What is in the way by the error alone, where nothing may be looked at. */
function unseenObstacle(path: string, error: unknown): string | undefined {
  const folder = folderOf(path);
  if (error instanceof Deno.errors.NotFound) {
    return `there is no folder "${folder}": create it or name another`;
  }
  if (error instanceof Deno.errors.NotADirectory) {
    return `"${folder}" is not a folder: name another`;
  }
  if (error instanceof Deno.errors.IsADirectory) return "it is a folder: name a file";
  if (error instanceof Deno.errors.AlreadyExists) return "it is a file: name a folder";
  return undefined;
}

function flagsOf(path: string, way: WriteWay): string {
  if (way !== "beside") {
    return `--allow-write="${path}" (to append or to resume, also --allow-read="${path}")`;
  }
  const folder = folderOf(path);
  return `--allow-read=${folder} --allow-write=${folder} (the new file is written beside the old one)`;
}

/**
 * What is in the way of a write, and what to do.
 *
 * @param path What was to be written.
 * @param way How.
 * @param denied Whether the system has said that the user may not.
 * @returns Words for a message; `undefined` where nothing is seen to be in the way.
 */
export function obstacleOf(path: string, way: WriteWay, denied: boolean): string | undefined {
  const noun = way === "folder" ? "folder" : "file";
  if (path === "") return `its name is empty: name a ${noun}`;
  const own = kindOf(path);
  if (own === "folder" && noun === "file") return "it is a folder: name a file";
  if (own === "file" && noun === "folder") return "it is a file: name a folder";
  if (own === "file" && way === "in place") {
    return denied
      ? "it may not be written by this user: check its owner and mode, or name another file"
      : undefined;
  }
  // The folder that is to hold it, or for folders that are to be made the first that is there.
  let folder = own === "folder" ? path : dirname(path);
  while (kindOf(folder) === "none" && dirname(folder) !== folder) folder = dirname(folder);
  if (kindOf(folder) === "file") {
    return noun === "file"
      ? `"${folder}" is not a folder: name a file in a folder`
      : `"${folder}" is a file: name a folder that is in none`;
  }
  if (denied) {
    return `the folder "${folder}" may not be written by this user: check its owner and mode, or ` +
      `name another folder`;
  }
  return noun === "file" && kindOf(dirname(path)) === "none"
    ? `there is no folder "${folderOf(path)}": create it or name another`
    : undefined;
}

/** What is at a path; `"unknown"` where that may not be looked at. */
function kindOf(path: string): "file" | "folder" | "none" | "unknown" {
  try {
    return Deno.statSync(path).isDirectory ? "folder" : "file";
  } catch (error) {
    // Below a file there is nothing.
    const none = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory;
    return none ? "none" : "unknown";
  }
}
