import assert from "node:assert/strict";
import { DataError } from "../../core/graph/errors.ts";
import { loadIdxDataSet, readDataFile, readIdxFile } from "../../data/mod.ts";
import { gzip, idx, withFiles } from "./helpers.ts";

const pixels = crypto.getRandomValues(new Uint8Array(5 * 6));
const images = idx("u8", [5, 2, 3], pixels);
const labels = idx("u8", [5], [3, 1, 4, 1, 9]);

function refused(message: RegExp, file?: string): (error: unknown) => true {
  return (error) => {
    assert(error instanceof DataError, String(error));
    assert.match(error.message, message);
    if (file !== undefined) assert.equal(error.file, file);
    return true;
  };
}

Deno.test("readIdxFile reads plain and gzip files", () =>
  withFiles({ plain: images, "packed.gz": new Uint8Array() }, async (folder) => {
    await Deno.writeFile(`${folder}/packed.gz`, await gzip(images));
    for (const name of ["plain", "packed.gz"]) {
      const { dtype, shape, data } = await readIdxFile(`${folder}/${name}`);
      assert.deepEqual([dtype, shape, data], ["u8", [5, 2, 3], pixels]);
    }
    assert.deepEqual(await readDataFile(`${folder}/packed.gz`), images);
  }));

Deno.test("readIdxFile names the file in every complaint", () =>
  withFiles({ "short.gz": new Uint8Array(), junk: Uint8Array.of(1, 2, 3, 4) }, async (folder) => {
    const short = `${folder}/short.gz`;
    await Deno.writeFile(short, (await gzip(images)).subarray(0, -4));
    await assert.rejects(readIdxFile(short), refused(/truncated/, short));
    await assert.rejects(
      readIdxFile(`${folder}/junk`),
      refused(/not an IDX file/, `${folder}/junk`),
    );
    await assert.rejects(readIdxFile(`${folder}/none`), refused(/there is no such file: check/));
    await assert.rejects(readIdxFile(folder), refused(/it is a folder: name a file in it/, folder));
    await assert.rejects(readIdxFile("nul\0"), refused(/Cannot read "nul\0" as /));
  }));

Deno.test({
  name: "readIdxFile names the flag when it has no permission",
  permissions: "none",
  fn: () =>
    assert.rejects(readIdxFile("data/images.gz"), (error: Error) => {
      refused(/no permission to: run it again with --allow-read=data\/images.gz$/)(error);
      assert(error.cause instanceof Deno.errors.NotCapable);
      return true;
    }),
});

Deno.test({
  name: "readIdxFile says that the system refuses this user",
  // Root may read any file, so the mode refuses nobody.
  ignore: Deno.build.os === "windows" || Deno.uid() === 0,
  fn: () =>
    withFiles({ secret: images }, async (folder) => {
      await Deno.chmod(`${folder}/secret`, 0);
      await assert.rejects(
        readIdxFile(`${folder}/secret`),
        refused(/check the file's owner and mode/),
      );
    }),
});

Deno.test("loadIdxDataSet pairs images with labels", () =>
  withFiles({ images, labels }, async (folder) => {
    const paths = { images: `${folder}/images`, labels: `${folder}/labels` };
    assert.deepEqual(await loadIdxDataSet({ ...paths, name: "digits" }), {
      x: { data: pixels, shape: [5, 6], scale: 1 / 255 },
      y: { data: Uint8Array.of(3, 1, 4, 1, 9), shape: [5] },
      classes: 10,
      name: "digits",
    });
  }));

Deno.test("loadIdxDataSet converts other element types", () =>
  withFiles({
    images: idx("f64", [2, 2], [0.5, -1, 2, 1e-3]),
    floats: idx("f32", [2, 2], [0.5, -1, 2, 4]),
    labels: idx("i32", [2], [300, 0]),
  }, async (folder) => {
    const paths = { images: `${folder}/images`, labels: `${folder}/labels`, classes: 301 };
    const { x, y, classes } = await loadIdxDataSet(paths);
    assert.deepEqual(x, { data: Float32Array.of(0.5, -1, 2, 1e-3), shape: [2, 2] });
    assert.deepEqual(y, { data: Int32Array.of(300, 0), shape: [2] });
    assert.equal(classes, 301);
    const floats = await loadIdxDataSet({ ...paths, images: `${folder}/floats` });
    assert.deepEqual(floats.x.data, Float32Array.of(0.5, -1, 2, 4));
  }));

/** What may be wrong with a pair of files, and what the message must say. */
const faults: [string, Uint8Array, Uint8Array, RegExp][] = [
  ["fewer labels", images, idx("u8", [4], [1, 2, 3, 4]), /received 5 images and 4 labels/],
  ["more labels", images, idx("u8", [6], [1, 2, 3, 4, 5, 6]), /received 5 images and 6 labels/],
  ["swapped files", labels, images, /images and labels are swapped.*exchange the two/],
  ["images twice", images, images, /labels as they must have one dimension.*file of images\?/],
  ["labels twice", labels, labels, /images as they must have two dimensions.*file of labels\?/],
  [
    "a label of 10",
    images,
    idx("u8", [5], [0, 9, 10, 3, 11]),
    /labels".* from 0 to 9: received 10 at index 2/,
  ],
  ["a negative label", images, idx("i8", [5], [0, 9, 8, -1, 1]), /received -1 at index 3/],
  ["half a label", images, idx("f32", [5], [0, 9, 0.5, 1, 1]), /received 0.5 at index 2/],
  [
    "NaN in an image",
    idx("f32", [5, 1], [0, 1, 2, NaN, 4]),
    labels,
    /images".*received NaN in image 3/,
  ],
  [
    "a pixel past float32",
    idx("f64", [5, 1], [0, 1e39, 2, 3, 4]),
    labels,
    /received 1e\+39 in image 1/,
  ],
];

for (const [name, first, second, message] of faults) {
  Deno.test(`loadIdxDataSet refuses: ${name}`, () =>
    withFiles({ images: first, labels: second }, async (folder) => {
      const paths = { images: `${folder}/images`, labels: `${folder}/labels` };
      await assert.rejects(loadIdxDataSet(paths), refused(message));
    }));
}

Deno.test("loadIdxDataSet refuses a number of classes that is none", () =>
  withFiles({ images, labels }, async (folder) => {
    const paths = { images: `${folder}/images`, labels: `${folder}/labels` };
    for (const classes of [0, -1, 2.5, NaN]) {
      await assert.rejects(loadIdxDataSet({ ...paths, classes }), RangeError);
    }
  }));
