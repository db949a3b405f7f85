import { DatabaseSync } from "node:sqlite";
import { obstacleOf } from "../state/explained_write.ts";

/** The number by which a file is known to hold a study: "Mill". */
const applicationId = 0x4d696c6c;
/** Version of the tables; a file of a higher one is refused. */
const version = 1;

const tables = `
create table study (
  space text not null, monitor text not null, direction text not null, seed integer not null
) strict;
create table trials (
  number integer primary key,
  state text not null check (state in ('running', 'complete', 'pruned', 'failed')),
  parameters text not null,
  value real, seconds real, error text
) strict;
create table epochs (
  trial integer not null references trials (number) on delete cascade,
  epoch integer not null, step integer, value real, logs text not null,
  primary key (trial, epoch)
) strict, without rowid;
pragma application_id = ${applicationId};
pragma user_version = ${version};`;

/**
 * Opens the file of a study, or makes it. Nobody else can open it until it is closed, so that no
 * trial is run twice; what was committed is safe from a killed process, and the file from
 * a power cut, which may cost the last trials.
 *
 * @param path The file, or `":memory:"` for none. Needs `--allow-read` and `--allow-write` for it.
 * @throws {Error} when it cannot be opened, is in use, or holds something else.
 */
export function openStudyFile(path: string): DatabaseSync {
  let file: DatabaseSync | undefined;
  try {
    file = new DatabaseSync(path);
    file.exec("pragma locking_mode = exclusive");
    file.exec("pragma journal_mode = wal");
    file.exec("pragma synchronous = normal");
    inTransaction(file, () => prepare(file!));
    return file;
  } catch (error) {
    file?.close();
    throw new Error(`Cannot open the study "${path}": ${reasonOf(path, error)}`, { cause: error });
  }
}

/** Does all that `action` writes, or nothing. */
export function inTransaction<Result>(file: DatabaseSync, action: () => Result): Result {
  file.exec("begin immediate");
  try {
    const result = action();
    file.exec("commit");
    return result;
  } catch (error) {
    if (file.isTransaction) file.exec("rollback");
    throw error;
  }
}

function prepare(file: DatabaseSync): void {
  const id = file.prepare("pragma application_id").get()!.application_id;
  const found = Number(file.prepare("pragma user_version").get()!.user_version);
  const names = file.prepare("select name from sqlite_schema").all();
  if (id === 0 && names.length === 0) {
    file.exec(tables);
  } else if (id !== applicationId) {
    throw new Error("it holds the tables of something else, give the name of a new file");
  } else if (found !== version) {
    throw new Error(`it has version ${found}, and this Millrace knows version ${version}`);
  }
}

/** What SQLite's messages mean here; not all of its errors carry a code. */
const reasons: readonly (readonly [RegExp, string])[] = [
  [/database is locked/, "another process, or another search of this one, is using it"],
  [/not a database/, "it is no SQLite file, give the name of a new one"],
];

function reasonOf(path: string, error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (/unable to open/.test(message)) {
    return obstacleOf(path, "beside", false) ?? "it may not be written, name another file";
  }
  return reasons.find(([pattern]) => pattern.test(message))?.[1] ?? message;
}
