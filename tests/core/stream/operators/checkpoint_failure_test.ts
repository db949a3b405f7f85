import assert from "node:assert/strict";
import { concat, lastValueFrom, NEVER, of, tap } from "rxjs";
import { checkpoint } from "../../../../core/stream/operators/mod.ts";
import { fakeEpoch, FakeRun, inFolder, names, training } from "../fake_epoch.ts";

/** Opens files on a disk that is full. */
async function withFullDisk(action: () => Promise<void>): Promise<void> {
  const original = Deno.open;
  Deno.open = async (path, options) => {
    const file = await original(path, options);
    const full = Object.assign(new Error("No space left on device"), { code: "ENOSPC" });
    file.write = () => Promise.reject(full);
    return file;
  };
  try {
    await action();
  } finally {
    Deno.open = original;
  }
}

Deno.test("a full disk ends the run with an error, and the old file stays whole", () =>
  inFolder(async (folder) => {
    const path = `${folder}/digits.safetensors`;
    await lastValueFrom(training([1]).pipe(checkpoint(path)));
    const old = Deno.readFileSync(path);
    const run = new FakeRun();
    let left = false;
    const endless = concat(training([1], undefined, run), NEVER);
    await withFullDisk(async () => {
      const failing = endless.pipe(tap({ unsubscribe: () => left = true }), checkpoint(path));
      await assert.rejects(lastValueFrom(failing), /digits\.safetensors.*disk is full/);
    });
    assert.equal(run.reason, "error");
    assert.ok(left);
    await assert.rejects(run.holds[0], /disk is full/);
    assert.deepEqual(Deno.readFileSync(path), old);
    assert.deepEqual(names(folder), ["digits.safetensors"]);
  }));

Deno.test({
  name: "a folder that may not be written ends the run with an error, and the old file stays whole",
  // The super-user may write everywhere.
  ignore: Deno.build.os === "windows" || Deno.uid() === 0,
  fn: () =>
    inFolder(async (folder) => {
      const path = `${folder}/digits.safetensors`;
      await Deno.writeTextFile(path, "old");
      await Deno.chmod(folder, 0o555);
      try {
        const failing = training([1]).pipe(checkpoint(path));
        await assert.rejects(lastValueFrom(failing), /may not be written by this user/);
        assert.equal(await Deno.readTextFile(path), "old");
      } finally {
        await Deno.chmod(folder, 0o755);
      }
    }),
});

Deno.test("a file for a folder, a folder for a file and weights that cannot be read end the run", () =>
  inFolder(async (folder) => {
    const failing = (path: string, run?: FakeRun) =>
      lastValueFrom(training([1], undefined, run).pipe(checkpoint(path)));
    await Deno.writeTextFile(`${folder}/file`, "");
    await assert.rejects(failing(`${folder}/file/digits.safetensors`), /is not a folder/);
    await Deno.remove(`${folder}/file`);
    await Deno.mkdir(`${folder}/taken`);
    await assert.rejects(failing(`${folder}/taken`), /Cannot write/);
    const path = `${folder}/digits.safetensors`;
    await Deno.writeTextFile(path, "old");
    const run = new FakeRun();
    run.weights = () => Promise.reject(new Error("the device is lost"));
    await assert.rejects(failing(path, run), /the device is lost/);
    const over = new FakeRun();
    over.weights = () => {
      throw new Error("the run is over");
    };
    await assert.rejects(failing(path, over), /the run is over/);
    assert.equal(await Deno.readTextFile(path), "old");
    assert.deepEqual(names(folder), ["digits.safetensors", "taken"]);
  }));

Deno.test({
  name: "without permission the error names the flag",
  permissions: { read: true, write: false },
  fn: async () => {
    const failing = of(fakeEpoch(1)).pipe(checkpoint("digits.safetensors"));
    await assert.rejects(lastValueFrom(failing), /--allow-write/);
  },
});
