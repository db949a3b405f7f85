/** Folders of pictures: classes, files, their order, training on them, and folders that are none. */
import assert from "node:assert/strict";
import { lastValueFrom } from "rxjs";
import {
  accuracy,
  adam,
  conv2d,
  dense,
  encodePng,
  fit,
  globalAveragePooling2d,
  type ImageDataSet,
  imageDataSet,
  input,
  miniBatches,
  sequential,
  sparseCategoricalCrossentropy,
  trainValidationSplit,
} from "../../mod.ts";

/** A folder of pictures of two classes: lines across, and lines down. */
async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, across] of [["down", false], ["across", true]] as const) {
      await Deno.mkdir(`${folder}/${name}/more`, { recursive: true });
      for (let number = 0; number < 12; number++) {
        const data = Uint8Array.from(
          { length: 80 },
          (_, at) => ((across ? Math.floor(at / 8) : at) + number) % 2 * (200 + number),
        );
        const png = await encodePng({ width: 8, height: 10, channels: 1, data });
        const place = number < 10 ? `${number}.png` : `more/${number}.PNG`;
        await Deno.writeFile(`${folder}/${name}/${place}`, png);
      }
      await Deno.writeTextFile(`${folder}/${name}/notes.txt`, "no picture");
    }
    await Deno.writeTextFile(`${folder}/notes.txt`, "no class");
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("each folder is a class, and pictures come with the class of their folder", () =>
  withFolder(async (folder) => {
    const data = await imageDataSet(folder, { imageSize: [10, 8], colorMode: "grayscale" });
    assert.deepEqual(data.classNames, ["across", "down"]);
    assert.deepEqual([data.x.shape, data.y.shape, data.classes], [[24, 10, 8, 1], [24], 2]);
    assert.deepEqual([data.x.scale, data.name], [1 / 255, folder]);
    assert.equal(new Set(data.files).size, 24);
    const x = new Uint8Array(24 * 80);
    const y = new Int32Array(24);
    const rows = Uint32Array.from({ length: 24 }, (_, row) => row);
    await data.read!(rows, { x: { data: x, shape: [24, 10, 8, 1] }, y: { data: y, shape: [24] } });
    data.files.forEach((file, row) => {
      const number = Number(file.match(/(\d+)\.png$/i)![1]);
      const across = file.startsWith(`${folder}/across/`);
      assert.equal(y[row], across ? 0 : 1);
      const at = row * 80 + 8;
      assert.equal(x[at], (across ? 1 + number : number) % 2 * (200 + number), file);
      assert.equal(x[at + 1], (1 + number) % 2 * (200 + number), file);
    });
  }));

Deno.test("pictures are cut to the shape that is asked for, rather than stretched", () =>
  withFolder(async (folder) => {
    const options = { imageSize: [8, 8], colorMode: "grayscale", shuffle: false } as const;
    const first = async (cropToAspectRatio: boolean) => {
      const data = await imageDataSet(folder, { ...options, cropToAspectRatio });
      const x = { data: new Uint8Array(64), shape: [1, 8, 8, 1] };
      await data.read!(Uint32Array.of(1), { x, y: { data: new Int32Array(1), shape: [1] } });
      return x.data;
    };
    // Of ten lines, of which every other one is bright, eight are left as they are.
    const cut = await first(true);
    const lines = Array.from({ length: 8 }, (_, y) => cut[8 * y]);
    assert.equal(new Set(lines).size, 2);
    const stretched = await first(false);
    assert.ok(new Set(Array.from({ length: 8 }, (_, y) => stretched[8 * y])).size > 2);
  }));

Deno.test("files are in an order of chance that its seed repeats, or class by class", () =>
  withFolder(async (folder) => {
    const files = async (options = {}) => (await imageDataSet(folder, options)).files;
    const sorted = await files({ shuffle: false });
    assert.deepEqual(sorted, [...sorted].sort());
    const first = await files();
    assert.notDeepEqual(first, sorted);
    assert.deepEqual([...first].sort(), sorted);
    assert.deepEqual(await files({ seed: 0 }), first);
    assert.notDeepEqual(await files({ seed: 1 }), first);
    const { classNames, files: down } = await imageDataSet(folder, { classNames: ["down"] });
    assert.deepEqual([classNames, down.length], [["down"], 12]);
  }));

Deno.test("a network learns from pictures, of which a part is kept for validation", () =>
  withFolder(async (folder) => {
    const data = await imageDataSet(folder, { imageSize: [8, 8], colorMode: "grayscale" });
    const { train, validation } = trainValidationSplit(data, { validationSplit: 0.25 });
    const model = sequential([
      input([8, 8, 1]),
      conv2d(8, 3, { activation: "relu" }),
      globalAveragePooling2d(),
      dense(2),
    ], { seed: 2 });
    const training = fit(model, train, {
      loss: sparseCategoricalCrossentropy({ fromLogits: true }),
      metrics: [accuracy()],
      optimizer: adam({ learningRate: 0.02 }),
      batchSize: 6,
      epochs: 25,
      validation,
      device: "cpu",
      threads: 1,
    });
    const { logs } = await lastValueFrom(training);
    assert.ok(logs.val_accuracy === 1 && logs.val_loss < 0.3, `${logs.val_loss}`);
  }));

Deno.test("pictures are decoded once, or at every epoch where they are not kept", () =>
  withFolder(async (folder) => {
    const sum = async (data: ImageDataSet) => {
      const x = { data: new Uint8Array(24 * 80), shape: [24, 10, 8, 1] };
      const y = { data: new Int32Array(24), shape: [24] };
      await data.read!(Uint32Array.from({ length: 24 }, (_, row) => row), { x, y });
      return x.data.reduce((total, byte) => total + byte, 0);
    };
    const options = { imageSize: [10, 8], colorMode: "grayscale" } as const;
    const [kept, other] = [
      await imageDataSet(folder, options),
      await imageDataSet(folder, {
        ...options,
        cache: false,
      }),
    ];
    const first = await sum(kept);
    assert.equal(await sum(other), first);
    await Deno.copyFile(`${folder}/down/1.png`, `${folder}/down/9.png`);
    assert.equal(await sum(kept), first);
    assert.equal(await sum(other), first - 40 * 8);
  }));

Deno.test("a file that is no picture ends training by its name", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/down/broken.png`, "no picture");
    const data = await imageDataSet(folder, { imageSize: [8, 8] });
    const steps = miniBatches(data, { batchSize: 25, device: "cpu", threads: 1 });
    await assert.rejects(lastValueFrom(steps), /Cannot decode ".*down\/broken.png"/);
  }));

Deno.test("folders without classes or pictures, and options that are none, are refused", () =>
  withFolder(async (folder) => {
    const refused = (path: string, message: RegExp, options = {}) =>
      assert.rejects(imageDataSet(path, options), message);
    await refused(`${folder}/none`, /Cannot read ".*none" as there is no such file/);
    await refused(`${folder}/notes.txt`, /"\S+notes.txt" is a file: expected a folder/);
    await refused(`${folder}/down/more`, /there is no folder in "\S+more": expected one for each/);
    await Deno.mkdir(`${folder}/empty`);
    await refused(folder, /there is no picture in "\S+empty"/);
    await refused(folder, /Cannot read ".*missing"/, { classNames: ["missing"] });
    await refused(folder, /classNames must name folders, each once/, { classNames: [] });
    for (const classNames of [["down", "down"], "down", [""], [1]]) {
      await refused(folder, /each once/, { classNames });
    }
    await refused(folder, /imageSize must be/, { imageSize: [8] });
    await refused(folder, /colorMode must be/, { colorMode: "rgba" });
    await refused("", /path of a folder of pictures/);
  }));
