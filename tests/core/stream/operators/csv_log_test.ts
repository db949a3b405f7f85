import assert from "node:assert/strict";
import { concat, EMPTY, from, lastValueFrom, NEVER, of, tap, throwError } from "rxjs";
import type { Epoch } from "../../../../core/stream/epoch.ts";
import { csvLog } from "../../../../core/stream/operators/mod.ts";
import { fakeEpoch, FakeRun } from "../fake_epoch.ts";
import { OpenFiles } from "./open_files.ts";

async function inFolder(test: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(`${folder}/log.csv`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const first = fakeEpoch(1, { loss: 0.5, val_loss: NaN });
const second = fakeEpoch(2, { loss: 1e-9, accuracy: 0.5 });

Deno.test("csvLog writes a row for each epoch, and adds a column for a log that comes later", () =>
  inFolder(async (path) => {
    await lastValueFrom(of(first, second).pipe(csvLog(path)));
    assert.equal(
      await Deno.readTextFile(path),
      "epoch,loss,val_loss,accuracy\n1,0.5,NaN,NA\n2,1e-9,NA,0.5\n",
    );
  }));

Deno.test("csvLog hands over each row at once", () =>
  inFolder(async (path) => {
    const rows: number[] = [];
    const seen = tap(() => rows.push(Deno.readTextFileSync(path).split("\n").length - 1));
    await lastValueFrom(of(first, second).pipe(csvLog(path), seen));
    assert.deepEqual(rows, [2, 3]);
  }));

Deno.test("csvLog quotes what needs it, with the separator it is given", () =>
  inFolder(async (path) => {
    const epoch = fakeEpoch(1, { "a;b": 1, 'c"d': 2, "e,f": -Infinity });
    await lastValueFrom(of(epoch).pipe(csvLog(path, { separator: ";" })));
    assert.equal(await Deno.readTextFile(path), 'epoch;"a;b";"c""d";e,f\n1;1;2;-Infinity\n');
  }));

Deno.test("csvLog replaces an old file, or appends under its columns", () =>
  inFolder(async (path) => {
    await lastValueFrom(of(first).pipe(csvLog(path, { append: true })));
    await lastValueFrom(of(second).pipe(csvLog(path, { append: true })));
    assert.equal(
      await Deno.readTextFile(path),
      "epoch,loss,val_loss,accuracy\n1,0.5,NaN,NA\n2,1e-9,NA,0.5\n",
    );
    // As a process that was killed leaves it.
    await Deno.writeTextFile(path, "epoch,accuracy,loss\n1,0.25,0");
    await lastValueFrom(of(second).pipe(csvLog(path, { append: true })));
    assert.equal(await Deno.readTextFile(path), "epoch,accuracy,loss\n1,0.25,0\n2,0.5,1e-9\n");
    await lastValueFrom(of(second).pipe(csvLog(path)));
    assert.equal(await Deno.readTextFile(path), "epoch,loss,accuracy\n2,1e-9,0.5\n");
  }));

Deno.test("csvLog does not append to a file of another separator, or that is no log", () =>
  inFolder(async (path) => {
    for (const [old, separator] of [["epoch,loss\n1,0.5\n", ";"], ["name,value\na,1\n", ","]]) {
      await Deno.writeTextFile(path, old);
      await assert.rejects(
        lastValueFrom(of(second).pipe(csvLog(path, { append: true, separator }))),
        new RegExp(`column epoch, and the separator "${separator}": received .* columns \\["`),
      );
      assert.equal(await Deno.readTextFile(path), old);
    }
  }));

Deno.test("csvLog opens its file on subscription, and closes it on every end", () =>
  inFolder(async (path) => {
    const training = from([first, second]).pipe(csvLog(path));
    assert.throws(() => Deno.statSync(path), Deno.errors.NotFound);
    using open = new OpenFiles();
    const waiting = NEVER.pipe(csvLog(path)).subscribe();
    assert.equal(open.count, 1);
    waiting.unsubscribe();
    assert.equal(open.count, 0);
    const failing = concat(of(first), throwError(() => new Error("lost"))).pipe(csvLog(path));
    await assert.rejects(lastValueFrom(failing), /lost/);
    assert.equal(open.count, 0);
    await lastValueFrom(training);
    assert.equal(open.count, 0);
  }));

Deno.test("csvLog says what is wrong with its file", () =>
  inFolder(async (path) => {
    const failing = (at: string, append = false) =>
      lastValueFrom(of(first).pipe(csvLog(at, { append })));
    await assert.rejects(failing(`${path}/log.csv`), /Cannot write ".*" as there is no folder/);
    await Deno.writeTextFile(path, 'epoch,"los');
    await assert.rejects(failing(path, true), /must hold CSV/);
    for (const separator of ["", "::", '"', "\n"]) {
      assert.throws(() => csvLog(path, { separator }), RangeError);
    }
  }));

Deno.test({
  name: "without permission csvLog names the flag",
  permissions: { read: true, write: false },
  fn: async () => {
    await assert.rejects(
      lastValueFrom(of(first).pipe(csvLog("log.csv"))),
      /--allow-write="log.csv"/,
    );
  },
});

Deno.test("csvLog widens a file in one move, and goes on in the new one", () =>
  inFolder(async (path) => {
    const epochs = [{ a: 1 }, { b: 2 }, { a: 3, c: 4 }, { d: 5, b: 6 }, { a: 7 }]
      .map((logs, at) => fakeEpoch(at + 1, logs as unknown as Record<string, number>));
    const seen: string[] = [];
    await lastValueFrom(
      from(epochs).pipe(csvLog(path), tap(() => void seen.push(Deno.readTextFileSync(path)))),
    );
    assert.equal(seen[1], "epoch,a,b\n1,1,NA\n2,NA,2\n");
    assert.equal(
      seen[4],
      "epoch,a,b,c,d\n1,1,NA,NA,NA\n2,NA,2,NA,NA\n3,3,NA,4,NA\n4,NA,6,NA,5\n5,7,NA,NA,NA\n",
    );
    const folder = path.slice(0, path.lastIndexOf("/"));
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["log.csv"]);
  }));

Deno.test("csvLog widens a file that has another separator, beside what a killed process has left", () =>
  inFolder(async (path) => {
    await Deno.writeTextFile(path, "epoch;loss\n1;0.25\n");
    await Deno.writeTextFile(`${path}.tmp`, "x".repeat(1000));
    await lastValueFrom(of(second).pipe(csvLog(path, { separator: ";", append: true })));
    assert.equal(await Deno.readTextFile(path), "epoch;loss;accuracy\n1;0.25;NA\n2;1e-9;0.5\n");
  }));

Deno.test("csvLog leaves nothing behind where a file cannot be widened or read", () =>
  inFolder(async (path) => {
    using open = new OpenFiles();
    const replaced = tap(({ epoch }: Epoch) => {
      if (epoch === 1) return;
      Deno.removeSync(path);
      Deno.mkdirSync(path);
    });
    const widened = of(first, second).pipe(replaced, csvLog(path));
    await assert.rejects(lastValueFrom(widened), /Cannot write ".*log.csv"/);
    assert.throws(() => Deno.statSync(`${path}.tmp`), Deno.errors.NotFound);
    await Deno.remove(path);
    await Deno.writeTextFile(path, 'epoch,"los');
    await assert.rejects(lastValueFrom(of(first).pipe(csvLog(path, { append: true }))), /hold CSV/);
    assert.equal(open.count, 0);
  }));

Deno.test("csvLog leaves an old file alone until there is an epoch, and in a rehearsal", () =>
  inFolder(async (path) => {
    await Deno.writeTextFile(path, "epoch,loss\n1,0.5\n");
    await lastValueFrom(EMPTY.pipe(csvLog(path)), { defaultValue: null });
    const rehearsal = fakeEpoch(
      1,
      { loss: 9 },
      Object.assign(new FakeRun(), { isRehearsal: true }),
    );
    await lastValueFrom(of(rehearsal).pipe(csvLog(path)));
    assert.equal(await Deno.readTextFile(path), "epoch,loss\n1,0.5\n");
  }));

Deno.test("csvLog of a run that goes on from before its first epoch begins the file anew", () =>
  inFolder(async (path) => {
    await Deno.writeTextFile(path, "epoch,loss\n1,0.5\n");
    const run = new FakeRun({ csvLog: '{"columns":[],"rows":0}' });
    await lastValueFrom(of(fakeEpoch(1, { a: 2 }, run)).pipe(csvLog(path, { append: true })));
    assert.equal(await Deno.readTextFile(path), "epoch,a\n1,2\n");
  }));

Deno.test("csvLog keeps no rows in memory: those of a new column are what the file holds", () =>
  inFolder(async (path) => {
    const correct = tap<typeof first>(({ epoch }) => {
      if (epoch !== 1) return;
      const text = Deno.readTextFileSync(path);
      // In place and of the same length, as the log goes on where it was.
      Deno.writeTextFileSync(path, text.replace("1,0.5,", "1,0.7,"));
    });
    await lastValueFrom(of(first, second).pipe(csvLog(path), correct));
    assert.equal(
      await Deno.readTextFile(path),
      "epoch,loss,val_loss,accuracy\n1,0.7,NaN,NA\n2,1e-9,NA,0.5\n",
    );
  }));

Deno.test({
  name: "csvLog adds a column where a link leads, and the file keeps its mode",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inFolder(async (path) => {
      const target = `${path}.1`;
      await Deno.symlink("log.csv.1", path);
      await Deno.writeTextFile(target, "", { mode: 0o600 });
      await lastValueFrom(of(first, second).pipe(csvLog(path)));
      assert(Deno.lstatSync(path).isSymlink);
      const { isFile, mode } = Deno.lstatSync(target);
      assert.deepEqual([isFile, mode! & 0o777], [true, 0o600]);
      assert.match(await Deno.readTextFile(target), /^epoch,loss,val_loss,accuracy\n/);
    }),
});
