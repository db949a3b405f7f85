import assert from "node:assert/strict";
import { checkWritable, writeFileAtomic } from "../../../core/state/mod.ts";
import { type WritableFile, writeFileThrough } from "../../../core/state/atomic_write.ts";
import { inFolder, names, newBytes, oldBytes } from "./in_folder.ts";

Deno.test("writeFileAtomic writes a new file and replaces an old one", () =>
  inFolder(async (path, folder) => {
    await writeFileAtomic(path, oldBytes);
    assert.deepEqual(await Deno.readFile(path), oldBytes);
    await writeFileAtomic(path, newBytes);
    assert.deepEqual(await Deno.readFile(path), newBytes);
    await writeFileAtomic(path, new Uint8Array());
    assert.equal((await Deno.stat(path)).size, 0);
    assert.deepEqual(names(folder), ["best.safetensors"]);
  }));

Deno.test("writeFileAtomic keeps the old file open to those who read it", () =>
  inFolder(async (path) => {
    await Deno.writeFile(path, oldBytes);
    using reader = await Deno.open(path);
    await writeFileAtomic(path, newBytes);
    assert.deepEqual(await new Response(reader.readable).bytes(), oldBytes);
  }));

Deno.test("two writes to one file at once leave one of them whole", () =>
  inFolder(async (path, folder) => {
    const other = newBytes.map((byte) => byte ^ 255);
    await Promise.all([writeFileAtomic(path, newBytes), writeFileAtomic(path, other)]);
    const result = await Deno.readFile(path);
    assert(
      result.every((byte, i) => byte === newBytes[i]) || result.every((b, i) => b === other[i]),
    );
    assert.equal(result.length, newBytes.length);
    assert.deepEqual(names(folder), ["best.safetensors"]);
  }));

Deno.test("a temporary file of the same number is another's: it stays, and a link is not followed", () =>
  inFolder(async (path, folder) => {
    const precious = `${folder}/precious`;
    await Deno.writeFile(precious, oldBytes);
    const others = [`${path}.tmp-${Deno.pid}`, `${path}.tmp-${Deno.pid}-1`];
    await Deno.symlink(precious, others[0]);
    await Deno.writeFile(others[1], oldBytes);
    checkWritable(path);
    await writeFileAtomic(path, newBytes);
    assert.deepEqual(await Deno.readFile(precious), oldBytes);
    assert.deepEqual(await Deno.readFile(others[1]), oldBytes);
    assert.deepEqual(await Deno.readFile(path), newBytes);
    const base = (name: string) => name.slice(folder.length + 1);
    assert.deepEqual(names(folder), ["best.safetensors", ...others.map(base), "precious"]);
  }));

Deno.test("Workers that write one file at the same time leave one of their files, whole", () =>
  inFolder(async (path, folder) => {
    const module = new URL("../../../core/state/atomic_write.ts", import.meta.url).href;
    const source = `
      import { checkWritable, writeFileAtomic } from "${module}";
      self.onmessage = async ({ data: byte }) => {
        const bytes = new Uint8Array(1_000_000).fill(byte);
        try {
          for (let turn = 0; turn < 20; turn++) {
            checkWritable("${path}");
            await writeFileAtomic("${path}", bytes);
          }
          self.postMessage("written");
        } catch (error) {
          self.postMessage(error.message);
        }
      };`;
    const url = URL.createObjectURL(new Blob([source], { type: "text/typescript" }));
    const workers = [1, 2].map(() => new Worker(url, { type: "module" }));
    const said = workers.map((worker, place) =>
      new Promise((resolve) => {
        worker.onmessage = ({ data }) => resolve(data);
        worker.postMessage(place + 1);
      })
    );
    assert.deepEqual(await Promise.all(said), ["written", "written"]);
    for (const worker of workers) worker.terminate();
    URL.revokeObjectURL(url);
    const result = await Deno.readFile(path);
    assert.equal(result.length, 1_000_000);
    assert(result.every((byte) => byte === result[0]));
    assert.deepEqual(names(folder), ["best.safetensors"]);
  }));

/** Opens the temporary file for real, then lets the test's own method stand in for one of its. */
function opening(
  replace: (file: Deno.FsFile) => Partial<WritableFile>,
): (path: string) => Promise<WritableFile> {
  return async (path) => {
    const file = await Deno.open(path, { write: true, createNew: true });
    return {
      write: (bytes) => file.write(bytes),
      sync: () => file.sync(),
      close: () => file.close(),
      ...replace(file),
    };
  };
}

async function writeToFullDisk(bytes: Uint8Array): Promise<number> {
  using full = await Deno.open("/dev/full", { write: true });
  return await full.write(bytes);
}

Deno.test("short writes are carried on", () =>
  inFolder(async (path) => {
    const open = opening((file) => ({ write: (bytes) => file.write(bytes.subarray(0, 777)) }));
    await writeFileThrough(path, newBytes, open);
    assert.deepEqual(await Deno.readFile(path), newBytes);
  }));

Deno.test("the bytes are on the disk before they take the place of the old ones", () =>
  inFolder(async (path) => {
    await Deno.writeFile(path, oldBytes);
    let synced = false;
    const open = opening((file) => ({
      sync: async () => {
        assert.deepEqual(await Deno.readFile(path), oldBytes);
        assert.deepEqual(await Deno.readFile(`${path}.tmp-${Deno.pid}`), newBytes);
        await file.sync();
        synced = true;
      },
    }));
    await writeFileThrough(path, newBytes, open);
    assert(synced);
  }));

const failures: [string, (path: string) => Promise<WritableFile>, RegExp][] = [
  ["a full disk at once", opening(() => ({ write: writeToFullDisk })), /the disk is full/],
  [
    "a full disk after some bytes",
    opening((file) => {
      let calls = 0;
      const write = (bytes: Uint8Array): Promise<number> =>
        calls++ === 0 ? file.write(bytes.subarray(0, 999)) : writeToFullDisk(bytes);
      return { write };
    }),
    /the disk is full/,
  ],
  [
    "a disk that writes nothing",
    opening(() => ({ write: () => Promise.resolve(0) })),
    /wrote nothing/,
  ],
  [
    "a disk that fails to sync",
    opening(() => ({ sync: () => Promise.reject(new Error("I/O error (os error 5)")) })),
    /the system refused: I\/O error/,
  ],
];

for (const [name, open, message] of failures) {
  Deno.test({
    name: `writeFileAtomic leaves the old file whole on ${name}`,
    ignore: Deno.build.os === "windows",
    fn: () =>
      inFolder(async (path, folder) => {
        await Deno.writeFile(path, oldBytes);
        await assert.rejects(writeFileThrough(path, newBytes, open), (error: Error) => {
          assert(error.message.startsWith(`Cannot write "${path}" as `));
          assert.match(error.message, message);
          assert(error.cause instanceof Error);
          return true;
        });
        assert.deepEqual(await Deno.readFile(path), oldBytes);
        assert.deepEqual(names(folder), ["best.safetensors"]);
      }),
  });
}

Deno.test("writeFileAtomic says what is wrong with the path", () =>
  inFolder(async (path, folder) => {
    await Deno.writeFile(path, oldBytes);
    await assert.rejects(
      writeFileAtomic(`${folder}/missing/best`, newBytes),
      /there is no folder ".*missing\/": create it/,
    );
    await assert.rejects(writeFileAtomic(`${path}/best`, newBytes), /is not a folder/);
    await Deno.mkdir(`${folder}/taken`);
    await assert.rejects(
      writeFileAtomic(`${folder}/taken`, newBytes),
      /it is a folder: name a file/,
    );
    assert.deepEqual(names(folder), ["best.safetensors", "taken"]);
  }));

Deno.test({
  name: "writeFileAtomic says that a folder may not be written",
  ignore: Deno.build.os !== "linux",
  // The kernel refuses new files in /sys to every user, so this holds for root too.
  fn: () => assert.rejects(writeFileAtomic("/sys/best", newBytes), /may not be written/),
});

Deno.test({
  name: "writeFileAtomic names the flags when it has no permission to write",
  permissions: { read: true, write: false },
  fn: () =>
    assert.rejects(
      writeFileAtomic("best", newBytes),
      /run it again with --allow-read=\. --allow-write=\. /,
    ),
});

Deno.test({
  name: "writeFileAtomic names the flags when it has no permission at all",
  permissions: "none",
  fn: () =>
    assert.rejects(writeFileAtomic("runs/best", newBytes), (error: Error) => {
      assert.match(error.message, /run it again with --allow-read=runs\/ --allow-write=runs\/ /);
      assert(error.cause instanceof Deno.errors.NotCapable);
      return true;
    }),
});
