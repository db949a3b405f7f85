import assert from "node:assert/strict";
import { crc32, inflateSync } from "node:zlib";
import { Buffer } from "node:buffer";
import {
  encodePng,
  greyImage,
  type Image,
  imageGrid,
  signedImage,
  writePng,
} from "../../data/mod.ts";

/** Reads a PNG file as the specification says, without the code that wrote it. */
function decode(file: Uint8Array): Image {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  assert.equal(view.getBigUint64(0), 0x89504e470d0a1a0an);
  const chunks = new Map<string, Uint8Array>();
  for (let place = 8; place < file.length;) {
    const length = view.getUint32(place);
    const type = new TextDecoder().decode(file.subarray(place + 4, place + 8));
    const contents = file.subarray(place + 8, place + 8 + length);
    assert.equal(
      view.getUint32(place + 8 + length),
      crc32(file.subarray(place + 4, place + 8 + length)),
    );
    chunks.set(type, contents);
    place += length + 12;
  }
  assert.deepEqual([...chunks.keys()], ["IHDR", "IDAT", "IEND"]);
  const header = Buffer.from(chunks.get("IHDR")!);
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const channels = ({ 0: 1, 2: 3 } as const)[header[9] as 0 | 2];
  assert.deepEqual([...header.subarray(8)], [8, header[9], 0, 0, 0]);
  const lines = inflateSync(chunks.get("IDAT")!);
  const stride = width * channels;
  assert.equal(lines.length, (stride + 1) * height);
  const data = new Uint8Array(stride * height);
  for (let y = 0; y < height; y++) {
    assert.equal(lines[y * (stride + 1)], 0);
    data.set(lines.subarray(y * (stride + 1) + 1, (y + 1) * (stride + 1)), y * stride);
  }
  return { width, height, channels, data };
}

const noise = (length: number) => Array.from({ length }, (_, at) => Math.sin(at * at) / 2 + 0.5);

Deno.test("grey and coloured pictures come back from their PNG", async () => {
  const grey = greyImage(noise(7 * 5), { width: 7, height: 5 });
  const coloured = signedImage(noise(3 * 4).map((value) => value - 0.5), { width: 3, height: 4 });
  for (const image of [grey, coloured]) assert.deepEqual(decode(await encodePng(image)), image);
});

Deno.test("writePng writes the file and nothing else; a lost folder is told", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const image = greyImage(noise(4), { width: 2, height: 2 });
    await writePng(`${folder}/a.png`, image);
    assert.deepEqual(decode(await Deno.readFile(`${folder}/a.png`)), image);
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["a.png"]);
    await assert.rejects(writePng(`${folder}/no/a.png`, image), /there is no folder/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a grid holds its pictures where they belong, grey ones among coloured", () => {
  const grey = greyImage([0, 1], { width: 2, height: 1 });
  const coloured = signedImage([1, -1], { width: 2, height: 1 });
  const grid = imageGrid([grey, coloured, grey], { columns: 2, gap: 1, scale: 2 });
  assert.deepEqual([grid.width, grid.height, grid.channels], [9, 5, 3]);
  const at = (
    x: number,
    y: number,
  ) => [...grid.data.subarray((y * 9 + x) * 3, (y * 9 + x) * 3 + 3)];
  assert.deepEqual([at(0, 0), at(1, 1), at(2, 0)], [[0, 0, 0], [0, 0, 0], [255, 255, 255]]);
  assert.deepEqual([at(4, 0), at(0, 2)], [[128, 128, 128], [128, 128, 128]]);
  assert.deepEqual([at(5, 1), at(8, 0)], [[255, 0, 0], [0, 0, 255]]);
  assert.deepEqual([at(3, 4), at(7, 4)], [[255, 255, 255], [128, 128, 128]]);
});

Deno.test("values become colours between black and white, and up to the limit", () => {
  const grey = greyImage([-2, -1, 0, 1, 3, 4], { width: 3, height: 2, range: [-1, 3] });
  assert.deepEqual([...grey.data], [0, 0, 64, 128, 255, 255]);
  const coloured = (
    values: number[],
    limit?: number,
  ) => [...signedImage(values, { width: values.length, height: 1, limit }).data];
  assert.deepEqual(coloured([-1, 2, 0]), [128, 128, 255, 255, 0, 0, 255, 255, 255]);
  assert.deepEqual(coloured([-1, 4], 2), [128, 128, 255, 255, 0, 0]);
  assert.deepEqual(coloured([0]), [255, 255, 255]);
});

Deno.test("a grid of grey pictures is grey, and each pixel as large as asked for", () => {
  const image = { width: 2, height: 2, channels: 1, data: Uint8Array.of(1, 2, 3, 4) } as const;
  const grid = imageGrid([image, image], { columns: 1, gap: 0, scale: 2 });
  assert.deepEqual([grid.width, grid.height, grid.channels], [4, 8, 1]);
  const rows = [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]];
  assert.deepEqual([...grid.data], [...rows, ...rows].flat());
});

Deno.test("what is no picture is refused with what was given", async () => {
  assert.throws(() => greyImage([1], { width: 2, height: 1 }), /need 2 values: received 1/);
  assert.throws(() => greyImage([1], { width: 1, height: 1, range: [1, 1] }), /\[1, 1\]/);
  assert.throws(() => signedImage([1], { width: 1.5, height: 1 }), /width.*received 1.5/);
  const dark = { width: 1, height: 1, limit: NaN };
  assert.throws(() => signedImage([1], dark), /limit .* above 0: received NaN/);
  assert.throws(() => imageGrid([], { columns: 1 }), /no image/);
  const dot = greyImage([1], { width: 1, height: 1 });
  const line = greyImage([1, 1], { width: 2, height: 1 });
  assert.throws(() => imageGrid([dot, line], { columns: 1 }), /1 by 1 and 2 by 1/);
  assert.throws(() => imageGrid([dot], { columns: 0 }), /columns.*received 0/);
  await assert.rejects(encodePng({ ...dot, width: 2 }), /needs 2 bytes: received 1/);
});
