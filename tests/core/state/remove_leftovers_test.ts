/** Files that killed processes have left are removed, and no others. */
import assert from "node:assert/strict";
import { writeFileAtomic } from "../../../core/state/atomic_write.ts";
import { removeLeftovers } from "../../../core/state/remove_leftovers.ts";
import { inFolder, names } from "../stream/fake_epoch.ts";

const old = new Date(Date.now() - 60_000);

Deno.test("removeLeftovers removes what no process is writing", () =>
  inFolder(async (folder) => {
    const write = async (name: string, text: string, time?: Date) => {
      await Deno.writeTextFile(`${folder}/${name}`, text);
      if (time) await Deno.utime(`${folder}/${name}`, time, time);
    };
    await write("a.bin", "the file itself");
    await write("a.bin.tmp-17", "half");
    await write("a.bin.tmp-17-1", "half");
    await write("a.bin.tmp-18", "", old);
    const others = ["a.bin.tmp-1x", "a.bin.tmp", "b.bin.tmp-17", "xa.bin.tmp-17"];
    for (const name of others) await write(name, "not ours", old);
    // One that has just been opened, and may be locked in a moment.
    await write("a.bin.tmp-19", "");
    await Deno.mkdir(`${folder}/a.bin.tmp-20`);
    await write("precious", "kept");
    if (Deno.build.os !== "windows") await Deno.symlink("precious", `${folder}/a.bin.tmp-21`);
    const links = Deno.build.os === "windows" ? [] : ["a.bin.tmp-21"];
    await write("a.bin.tmp-22", "half");
    const file = await Deno.open(`${folder}/a.bin.tmp-22`, { write: true });
    file.lockSync(true);
    removeLeftovers(folder, (name) => name === "a.bin");
    assert.deepEqual(
      names(folder),
      ["a.bin", "a.bin.tmp-19", "a.bin.tmp-20", ...links, "a.bin.tmp-22", "precious", ...others]
        .toSorted(),
    );
    assert.equal(await Deno.readTextFile(`${folder}/precious`), "kept");
    file.close();
    removeLeftovers(folder, (name) => name === "a.bin");
    assert.ok(!names(folder).includes("a.bin.tmp-22"));
    removeLeftovers(`${folder}/missing`, () => true);
  }));

Deno.test("a file that is being written is no leftover", () =>
  inFolder(async (folder) => {
    const bytes = new Uint8Array(4 << 20).fill(1);
    let written = false;
    const writing = writeFileAtomic(`${folder}/a.bin`, bytes).finally(() => written = true);
    while (!written) {
      removeLeftovers(folder, () => true);
      await new Promise((resolve) => setTimeout(resolve));
    }
    await writing;
    assert.deepEqual(await Deno.readFile(`${folder}/a.bin`), bytes);
  }));
