/** What every writer of files says of a path that cannot be, before the first step where it can. */
import assert from "node:assert/strict";
import { lastValueFrom, type MonoTypeOperatorFunction, tap } from "rxjs";
import { writeFileAtomic } from "../../../core/state/mod.ts";
import { explainedWrite, makeFolder, makeFolderOf } from "../../../core/state/explained_write.ts";
import {
  checkpoint,
  csvLog,
  jsonLines,
  profile,
  tensorBoard,
} from "../../../core/stream/operators/mod.ts";
import type { Epoch } from "../../../core/stream/epoch.ts";
import { saveWeights } from "../../../core/stream/weights.ts";
import { dense, input } from "../../../core/nn/layers/mod.ts";
import { sequential } from "../../../core/nn/sequential.ts";
import { fakeEpoch, FakeRun, fakeStep, inFolder, names, runOf } from "../stream/fake_epoch.ts";

type Follow = (path: string) => MonoTypeOperatorFunction<Epoch>;

const operators: Readonly<Record<string, Follow>> = {
  csvLog: (path) => csvLog(path),
  tensorBoard: (path) => tensorBoard(path),
  checkpoint: (path) => checkpoint(path),
  // Steps are what it follows; these epochs never come to it.
  profile: (trace) => profile({ trace }) as unknown as MonoTypeOperatorFunction<Epoch>,
};

/** Runs an operator on a path; gives the error, and whether it came before the first epoch. */
async function refusal(operator: Follow, path: string): Promise<{ error?: Error; early: boolean }> {
  const run = new FakeRun();
  let early = true;
  const epochs = runOf(run, [fakeEpoch(1, undefined, run)]).pipe(tap(() => void (early = false)));
  const error: Error | undefined = await lastValueFrom(epochs.pipe(operator(path))).then(
    () => undefined,
    (error) => error,
  );
  return { error, early };
}

/** What a path must be refused with, by operator; an operator that is left out can write it. */
const rows: { title: string; path: string; says: Readonly<Record<string, RegExp>> }[] = [
  {
    title: "in a folder that is not there",
    path: "none/way/a",
    says: {
      csvLog: /there is no folder ".*\/none\/way\/": create it or name another$/,
      profile: /there is no folder ".*\/none\/way\/": create it or name another$/,
    },
  },
  {
    title: "in a file",
    path: "file/way/a",
    says: {
      csvLog: /as ".*\/file" is not a folder: name a file in a folder$/,
      profile: /as ".*\/file" is not a folder: name a file in a folder$/,
      checkpoint: /as ".*\/file" is not a folder: name a file in a folder$/,
      tensorBoard: /as ".*\/file" is a file: name a folder that is in none$/,
    },
  },
  {
    title: "that is a folder",
    path: "folder",
    says: {
      csvLog: /\/folder" as it is a folder: name a file$/,
      profile: /\/folder" as it is a folder: name a file$/,
      checkpoint: /\/folder" as it is a folder: name a file$/,
    },
  },
  {
    title: "that is a file",
    path: "file",
    says: { tensorBoard: /as ".*\/file" is a file: name a folder that is in none$/ },
  },
];

for (const { title, path, says } of rows) {
  Deno.test(`a path ${title} is refused before the first step, or made`, () =>
    inFolder(async (folder) => {
      await Deno.mkdir(`${folder}/folder`);
      await Deno.writeTextFile(`${folder}/file`, "");
      for (const [name, operator] of Object.entries(operators)) {
        if (name === "profile" && !(name in says)) continue;
        const { error, early } = await refusal(operator, `${folder}/${path}`);
        if (name in says) {
          assert.ok(
            error!.message.startsWith(`Cannot write "${folder}/${path}`),
            `${name}: ${error}`,
          );
          assert.match(error!.message, says[name]);
          assert.ok(error!.cause instanceof Error, name);
          assert.ok(early, `${name} has let an epoch through`);
        } else assert.equal(error, undefined, name);
        if (path.startsWith("none")) {
          assert.equal(
            names(folder).includes("none"),
            name === "tensorBoard" || name === "checkpoint",
          );
          await Deno.remove(`${folder}/none`, { recursive: true }).catch(() => {});
        }
      }
    }));
}

Deno.test({
  name: "a folder of another user is named, and what to look at",
  ignore: Deno.build.os !== "linux",
  // The kernel refuses new files in /sys to every user, so this holds for root too.
  fn: async () => {
    for (const [name, operator] of Object.entries(operators)) {
      const { error, early } = await refusal(operator, "/sys/none");
      assert.match(
        error!.message,
        /"\/sys" may not be written by this user: check its owner and mo/,
      );
      assert.ok(early && error!.cause instanceof Deno.errors.PermissionDenied, name);
    }
    await assert.rejects(savedIn("/sys/none"), /the folder "\/sys" may not be written/);
  },
});

function savedIn(path: string): Promise<void> {
  return saveWeights(sequential([input([1]), dense(1)]), path);
}

Deno.test("files that are written once tell the same", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, "");
    for (const write of [savedIn, bytesTo]) {
      await assert.rejects(write(`${folder}/none/a`), /there is no folder ".*\/none\/": create it/);
      await assert.rejects(
        write(`${folder}/file/a`),
        /"[^"]*\/file" is not a folder: name a file in/,
      );
      await assert.rejects(write(folder), /" as it is a folder: name a file$/);
      await assert.rejects(write(""), /must be a text that names a file or a folder: received ""$/);
    }
    assert.deepEqual(names(folder), ["file"]);
  }));

function bytesTo(path: string): Promise<void> {
  return writeFileAtomic(path, new Uint8Array(3));
}

Deno.test("a csvLog that is to be added to must hold CSV", () =>
  inFolder(async (folder) => {
    const path = `${folder}/log.csv`;
    await Deno.writeTextFile(path, 'epoch,"los');
    const { error, early } = await refusal((path) => csvLog(path, { append: true }), path);
    assert.match(error!.message, /^Cannot add to ".*" as it must hold CSV with the separator ","/);
    assert.match(error!.message, /Quote Not Closed.*, name another file$/);
    assert.ok(early);
    assert.equal(await Deno.readTextFile(path), 'epoch,"los');
  }));

Deno.test("jsonLines says what is wrong with its file", () =>
  inFolder(async (folder) => {
    const path = `${folder}/log.jsonl`;
    await Deno.writeTextFile(path, "");
    const lines = (writer: Deno.FsFile) => {
      const run = new FakeRun();
      return lastValueFrom(runOf(run, [fakeStep(1, { run })]).pipe(jsonLines(writer)));
    };
    using reading = Deno.openSync(path);
    await assert.rejects(
      lines(reading),
      /Cannot write the lines of jsonLines as its file is open for reading: open it with { write: t/,
    );
    const closed = Deno.openSync(path, { write: true });
    closed.close();
    await assert.rejects(lines(closed), /its file is closed: close it when the run has ended/);
    if (Deno.build.os === "linux") {
      using full = Deno.openSync("/dev/full", { write: true });
      await assert.rejects(lines(full), /as the disk is full: free some space/);
    }
    assert.throws(
      () => jsonLines("log.jsonl" as never),
      /must be given a writer, as Deno.stdout or what Deno.openSync opens: received "log.jsonl"/,
    );
  }));

Deno.test({
  name: "without a permission to look, the error alone tells what is wrong",
  ignore: Deno.build.os !== "linux",
  permissions: { read: false, write: true },
  fn: async () => {
    const file = await Deno.makeTempFile();
    const open = (path: string) =>
      explainedWrite(path, "in place", () => Deno.openSync(path, { write: true, create: true }));
    assert.throws(() => open("/none/way/a"), /as there is no folder "\/none\/way\/": create it/);
    assert.throws(() => open(`${file}/a`), /as ".*\/" is not a folder: name another/);
    assert.throws(() => open("/tmp"), /as it is a folder: name a file/);
    assert.throws(() => makeFolder(file), /as it is a file: name a folder/);
    // What may not be looked at is left to the write itself.
    makeFolderOf(`${file}/a/b`);
    await Deno.remove(file);
  },
});

Deno.test("what is no error of the system stays what it is", () => {
  const failure = new RangeError("a number is wrong");
  assert.throws(() =>
    explainedWrite("a", "folder", () => {
      throw failure;
    }), (error) => error === failure);
});
