// Wrong options and wrong data end with a message that says what to do, and with nothing else.
import { gzip, idx, join, withFiles } from "../data/helpers.ts";
import { type BadInput, refuseAll } from "./bad_input.ts";

const usage: BadInput[] = [
  {
    title: "an option that is none",
    options: "--epoch 3",
    says: ["Unknown option --epoch", "did you mean --epochs?", "--help"],
  },
  { title: "an option like no other", options: "--xyzzy 3", says: ["--xyzzy", "--help"] },
  { title: "no option at all", options: "train", says: ['"train"', "options begin with --"] },
  {
    title: "a batch of nothing",
    options: "--batch-size 0",
    says: ["--batch-size expects a whole number of at least 1", '"0"', "--help"],
  },
  {
    title: "a rate that is no number",
    options: "--learning-rate abc",
    says: ["--learning-rate expects a number of at least 0", '"abc"'],
  },
  {
    title: "a rate below zero",
    options: "--learning-rate -1",
    says: ["--learning-rate expects a number of at least 0", '"-1"'],
  },
  {
    title: "a device that is none",
    options: "--device tpu",
    says: ["--device expects one of auto, cpu, webgpu, reference", '"tpu"'],
  },
  {
    title: "no threads",
    options: "--threads 0",
    says: ["--threads expects a whole number of at least 1", '"0"'],
  },
  {
    title: "a layer without units",
    options: "--hidden 0",
    says: ["--hidden expects whole numbers from 1 to 65536, as 30,30", '"0"'],
  },
  {
    title: "more dropped than there is",
    options: "--dropout 1.5",
    says: ["--dropout expects a number from 0 to 1", '"1.5"'],
  },
  {
    title: "an optimizer that is none",
    options: "--optimizer adma",
    says: ["one of sgd, rmsprop, adam, adamw", "did you mean adam?", '"adma"'],
  },
  { title: "a value left out", options: "--seed --epochs 3", says: ["--seed needs a value: N"] },
  {
    title: "images without labels",
    options: "--train-images images",
    says: ["--train-images and --train-labels go together", "received only one", "give both"],
  },
  {
    title: "labels without images",
    options: "--test-labels labels",
    says: ["--test-images and --test-labels go together", "received only one", "give both"],
  },
];

Deno.test("wrong usage ends with 2", (context) => refuseAll(context, 2, usage));

const images = idx("u8", [5, 2, 3], Array.from({ length: 30 }, (_, place) => 8 * place));
const labels = idx("u8", [5], [3, 1, 4, 1, 9]);

/** The files that the rows below name, in one folder. */
async function dataFiles(): Promise<Record<string, Uint8Array>> {
  const packed = await gzip(images);
  const damaged = packed.slice();
  // Among the last eight bytes is the sum that tells of damage.
  damaged[packed.length - 6] ^= 1;
  return {
    images,
    labels,
    "wrong-magic": join([0x12, 0x34, 8, 3], images.subarray(4)),
    "short": images.subarray(0, -7),
    "short-header": images.subarray(0, 9),
    "long": join(images, [0]),
    "empty": new Uint8Array(),
    "empty.gz": await gzip(new Uint8Array()),
    "short.gz": packed.subarray(0, -9),
    "header.gz": packed.subarray(0, 10),
    "damaged.gz": damaged,
    "four-labels": idx("u8", [4], [3, 1, 4, 1]),
    "label-10": idx("u8", [5], [3, 1, 10, 1, 9]),
  };
}

/** What is wrong with a pair of files, and what the message says beside their names. */
const pairs: [title: string, images: string, labels: string, says: string[]][] = [
  ["a wrong magic number", "wrong-magic", "labels", ["not an IDX file", "12 34 08 03"]],
  ["images cut short", "short", "labels", ["[5, 2, 3]", "46 bytes", "holds 39", "get it again"]],
  ["a header cut short", "short-header", "labels", ["16 bytes", "holds 9", "get it again"]],
  ["a byte too many", "long", "labels", ["46 bytes", "holds 47", "extra bytes"]],
  ["an empty file", "empty", "labels", ["it is empty", "expected an IDX file"]],
  ["an empty file of labels", "images", "empty", ["it is empty", "expected an IDX file"]],
  ["nothing, compressed", "empty.gz", "labels", ["it is empty", "expected an IDX file"]],
  ["gzip cut short", "short.gz", "labels", ["truncated", "get it again"]],
  ["no more than the header of gzip", "header.gz", "labels", [
    "at least 20 bytes",
    "received 10",
    "truncated",
  ]],
  ["damaged gzip", "damaged.gz", "labels", ["damaged", "get it again"]],
  ["fewer labels than images", "images", "four-labels", [
    "every image needs its label",
    "received 5 images and 4 labels",
  ]],
  ["a label of 10", "images", "label-10", ["from 0 to 9", "received 10 at index 2"]],
  ["swapped files", "labels", "images", ["swapped", "exchange the two files"]],
  ["no such file", "missing", "labels", ["there is no such file", "check its path"]],
];

Deno.test("wrong data ends with 1 and names the file", async (context) => {
  await withFiles(await dataFiles(), async (folder) => {
    const rows = pairs.map(([title, first, second, says]) => ({
      title,
      options: `--train-images ${folder}/${first} --train-labels ${folder}/${second}`,
      says: [`${folder}/${first === "images" ? second : first}`, ...says],
      flags: [`--allow-read=${folder}`],
    }));
    const good = `--train-images ${folder}/images --train-labels ${folder}/labels`;
    await refuseAll(context, 1, [...rows, {
      title: "a file that may not be read",
      options: good,
      says: [
        `${folder}/images`,
        "no permission",
        `run it again with --allow-read=${folder}/images`,
      ],
    }, {
      title: "more digits than the files hold",
      options: `${good} --limit 6`,
      says: ["an integer from 1 to 5", "received 6"],
      flags: [`--allow-read=${folder}`],
    }, {
      title: "more digits than there are",
      options: "--limit 60001",
      says: ["an integer from 1 to 60000", "received 60001"],
    }, {
      title: "test images of another size",
      // The digits have 784 pixels, these six.
      options: `--device cpu --limit 32 --epochs 1 ` +
        `--test-images ${folder}/images --test-labels ${folder}/labels`,
      says: ["784", "6"],
      flags: [`--allow-read=${folder}`],
    }, {
      title: "more threads than there can be",
      options: "--device cpu --threads 5000",
      says: ["5000 threads", "from 1 to 32"],
    }, {
      title: "a rate at which training diverges",
      options: "--device cpu --limit 320 --learning-rate 1e30",
      says: ["is NaN at step", "learning rate that is too large"],
    }]);
  });
});
