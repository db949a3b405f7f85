// Weights that cannot be read or written end a run with a message, and leave the old file whole.
import assert from "node:assert/strict";
import { encodeSafetensors, type SafetensorsTensor } from "../../core/state/safetensors.ts";
import { dense, input, sequential } from "../../mod.ts";
import { join, withFiles } from "../data/helpers.ts";
import { type BadInput, contentsOf, refuseAll } from "./bad_input.ts";

/** The weights of the pipeline's network, some of them replaced; `undefined` leaves one out. */
function weights(
  replaced: Record<string, SafetensorsTensor | undefined> = {},
  metadata: Record<string, string> = {},
): Uint8Array {
  const model = sequential([input([784]), dense(30), dense(30), dense(10)], { seed: 1 });
  const tensors = new Map<string, SafetensorsTensor>();
  for (const { name, shape, value } of model.parameters) {
    const tensor = name in replaced
      ? replaced[name]
      : { dtype: "F32" as const, shape: [...shape], data: value };
    if (tensor) tensors.set(name, tensor);
  }
  return encodeSafetensors(tensors, metadata);
}

const good = weights();
const headerEnd = 8 + new DataView(good.buffer, good.byteOffset).getUint32(0, true);
const biasWith = (value: number): SafetensorsTensor => (
  { dtype: "F32", shape: [30], data: new Float32Array(30).fill(value, 7, 8) }
);

/** What is wrong with a file, its bytes, and what the message says beside its name. */
const files: [title: string, bytes: Uint8Array, says: string[]][] = [
  ["an empty file", new Uint8Array(), ["it is empty", "expected a safetensors file"]],
  ["five bytes", good.subarray(0, 5), ["header takes 8 bytes", "the file holds 5"]],
  ["a header cut short", good.subarray(0, 40), ["it is truncated"]],
  ["a last tensor cut short", good.subarray(0, -4), ["it is truncated"]],
  ["bytes at the end", join(good, [0, 0]), ["extra bytes at its end"]],
  ["no tensor behind the header", good.subarray(0, headerEnd), ["it is truncated"]],
  ["a web page", new TextEncoder().encode("<!DOCTYPE html><html></html>"), [
    "is it a safetensors file?",
  ]],
  ["a header that is not JSON", join(good.subarray(0, 9), [0x7b], good.subarray(10)), [
    "its header is not JSON",
  ]],
  [
    "float64",
    weights({ "dense_1/bias": { dtype: "F64", shape: [30], data: new Float64Array(30) } }),
    [
      'its weight "dense_1/bias" does not fit the model',
      "expected F32 [30], received F64 [30]",
    ],
  ],
  ["a weight less", weights({ "dense_2/bias": undefined }), [
    'no weight "dense_2/bias"',
    "it holds dense_1/kernel",
    "saved by another model?",
  ]],
  ["NaN", weights({ "dense_1/bias": biasWith(NaN) }), [
    'its weight "dense_1/bias" must hold finite numbers',
    "received NaN at index 7",
    "had diverged?",
  ]],
  ["infinity", weights({ "dense_2/bias": biasWith(-Infinity) }), [
    'its weight "dense_2/bias" must hold finite numbers',
    "received -Infinity at index 7",
  ]],
  ["a later version", weights({}, { format_version: "2" }), [
    "its format_version must be 1",
    'received "2"',
    "a later Millrace?",
  ]],
];

Deno.test("weights that are damaged or another model's are refused", async (context) => {
  const named = Object.fromEntries(files.map(([, bytes], place) => [`${place}`, bytes]));
  await withFiles({ ...named, good }, async (folder) => {
    const flags = [`--allow-read=${folder}`];
    const before = contentsOf(folder);
    await refuseAll(context, 1, [
      ...files.map(([title, , says], place) => ({
        title,
        options: `--weights ${folder}/${place}`,
        says: [`${folder}/${place}`, ...says],
        flags,
      })),
      {
        title: "weights of another shape",
        options: `--weights ${folder}/good --hidden 31,30`,
        says: [
          `${folder}/good`,
          '"dense_1/kernel"',
          "expected F32 [784, 31], received F32 [784, 30]",
        ],
        flags,
      },
      {
        title: "no such file",
        options: `--weights ${folder}/missing`,
        says: [`${folder}/missing`, "there is no such file: check its path"],
        flags,
      },
      {
        title: "a folder",
        options: `--weights ${folder}`,
        says: [folder, "it is a folder", "name a file in it"],
        flags,
      },
      {
        title: "a file that may not be read",
        options: `--weights ${folder}/good`,
        says: [
          `${folder}/good`,
          "has no permission to",
          `run it again with --allow-read=${folder}/good`,
        ],
      },
    ]);
    assert.deepEqual(contentsOf(folder), before);
  });
});

/** A run that wants to save its weights after two steps. */
const saving = "--device cpu --threads 1 --limit 64 --epochs 1 --checkpoint";

Deno.test("a checkpoint that cannot be written ends the run; the old one stays whole", async (context) => {
  await withFiles({ "digits.safetensors": good, "a-file": good }, async (folder) => {
    const flags = [`--allow-read=${folder}`, `--allow-write=${folder}`];
    const path = `${folder}/digits.safetensors`;
    await Deno.mkdir(`${folder}/a-folder`);
    const before = contentsOf(folder);
    const rows: BadInput[] = [
      {
        title: "into a file",
        options: `${saving} ${folder}/a-file/digits.safetensors`,
        says: [`"${folder}/a-file" is not a folder`, "name a file in a folder"],
        flags,
      },
      {
        title: "over a folder",
        options: `${saving} ${folder}/a-folder`,
        says: [`${folder}/a-folder`, "it is a folder", "name a file"],
        flags,
      },
      {
        title: "without permission",
        options: `${saving} ${path}`,
        says: [path, "no permission", `--allow-read=${folder}/ --allow-write=${folder}/`],
      },
      {
        title: "with permission to read alone",
        options: `${saving} ${path}`,
        says: [path, "no permission", `--allow-write=${folder}/`],
        flags: [`--allow-read=${folder}`],
      },
    ];
    if (Deno.build.os === "linux") {
      // Only with all permissions does Deno write below /sys and /dev.
      rows.push({
        // In no folder of /sys may anybody make a file, not even the super-user.
        title: "into a folder that is read-only",
        options: `${saving} /sys/digits.safetensors`,
        says: ['the folder "/sys" may not be written', "name another folder"],
        flags: ["--allow-all"],
      }, {
        title: "on a full disk",
        options: `${saving} ${path}`,
        says: [path, "the disk is full", "free some space", "the old file is unharmed"],
        flags: ["--allow-all", "--preload=tests/pipelines/full_disk.ts"],
      });
    }
    await refuseAll(context, 1, rows);
    assert.deepEqual(contentsOf(folder), before);
    assert.deepEqual([...Deno.readDirSync(`${folder}/a-folder`)], []);
  });
});
