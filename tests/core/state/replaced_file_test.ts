/** What a file that is written beside the old one takes over from it: its place, owner and mode. */
import assert from "node:assert/strict";
import { checkWritable, writeFileAtomic } from "../../../core/state/mod.ts";
import { writeFileThrough } from "../../../core/state/atomic_write.ts";
import { inFolder, names, newBytes, oldBytes } from "./in_folder.ts";

Deno.test({
  name: "a symbolic link stays, and what it leads to is replaced, whether it is there or not",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inFolder(async (path, folder) => {
      for (const name of ["here", "there"]) await Deno.mkdir(`${folder}/${name}`);
      const target = `${folder}/there/run-7.safetensors`;
      await Deno.symlink("../there/run-7.safetensors", `${folder}/here/latest`);
      await Deno.symlink(`${folder}/here/latest`, path);
      for (const bytes of [oldBytes, newBytes]) {
        checkWritable(path);
        await writeFileAtomic(path, bytes);
        assert.deepEqual(await Deno.readFile(path), bytes);
        assert.deepEqual(await Deno.readFile(target), bytes);
      }
      for (const link of [path, `${folder}/here/latest`]) assert(Deno.lstatSync(link).isSymlink);
      assert.deepEqual(names(`${folder}/here`), ["latest"]);
      assert.deepEqual(names(`${folder}/there`), ["run-7.safetensors"]);
      await Deno.remove(target);
      await Deno.remove(`${folder}/there`);
      await assert.rejects(writeFileAtomic(path, newBytes), /there is no folder ".*there\/"/);
      assert.throws(() => checkWritable(path), /there is no folder ".*there\/"/);
    }),
});

Deno.test({
  name: "writeFileAtomic keeps the mode and the owner of the file that it replaces",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inFolder(async (path) => {
      await Deno.writeFile(path, oldBytes);
      // Only root may give files away.
      if (Deno.uid() === 0) await Deno.chown(path, 12345, 54321);
      for (const mode of [0o600, 0o664, 0o444]) {
        await Deno.chmod(path, mode);
        const before = await Deno.stat(path);
        await writeFileAtomic(path, newBytes);
        const after = await Deno.stat(path);
        assert.notEqual(after.ino, before.ino);
        assert.equal(after.mode! & 0o777, mode);
        assert.deepEqual([after.uid, after.gid], [before.uid, before.gid]);
      }
    }),
});

Deno.test({
  name: "what others may not read they may not read while it is being written, either",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inFolder(async (path) => {
      await Deno.writeFile(path, oldBytes, { mode: 0o600 });
      let mode = 0;
      await writeFileThrough(path, newBytes, async (temporary) => {
        const file = await Deno.open(temporary, { write: true, createNew: true });
        return {
          write(bytes) {
            mode = file.statSync().mode! & 0o777;
            return file.write(bytes);
          },
          sync: () => file.sync(),
          close: () => file.close(),
        };
      });
      assert.equal(mode, 0o600);
    }),
});

Deno.test({
  name: "a pipe, and a link that leads round, are refused and stay as they are",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inFolder(async (path, folder) => {
      const { success } = await new Deno.Command("mkfifo", { args: [path] }).output();
      assert(success);
      const refused = /it is a device, a pipe or a socket, .*: name a file$/;
      await assert.rejects(writeFileAtomic(path, newBytes), refused);
      assert.throws(() => checkWritable(path), refused);
      assert(Deno.lstatSync(path).isFifo);
      await Deno.symlink("round", `${folder}/round`);
      await assert.rejects(writeFileAtomic(`${folder}/round`, newBytes), /the system refused/);
      assert.deepEqual(names(folder), ["best.safetensors", "round"]);
    }),
});
