/** Pictures become bytes: every format, both kinds of channels, other sizes; what is none is refused. */
import assert from "node:assert/strict";
import {
  DataError,
  decodeImage,
  type DecodeImageOptions,
  encodePng,
  type Image,
} from "../../mod.ts";
import { mulberry32 } from "../core/ops/generator.ts";

const uniform = mulberry32(5);

function random(width: number, height: number, channels: 1 | 3): Image {
  const data = Uint8Array.from(
    { length: width * height * channels },
    () => Math.floor(uniform() * 256),
  );
  return { width, height, channels, data };
}

const grey = (data: number[], width: number): Image => ({
  ...{ width, height: data.length / width, channels: 1 },
  data: Uint8Array.from(data),
});

/** A picture of four channels, in a format that Deno writes. */
async function written(type: string, pixels: number[], width: number) {
  const height = pixels.length / 4 / width;
  const image = new ImageData(Uint8ClampedArray.from(pixels), width, height);
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("bitmaprenderer")!.transferFromImageBitmap(await createImageBitmap(image));
  return new Uint8Array(await (await canvas.convertToBlob({ type })).arrayBuffer());
}

Deno.test("pictures come back as they were, whatever their width", async () => {
  for (const width of [1, 2, 3, 5, 8, 17]) {
    const [coloured, shades] = [random(width, 7, 3), random(width, 7, 1)];
    assert.deepEqual(await decodeImage(await encodePng(coloured)), coloured);
    const { data } = await decodeImage(await encodePng(shades), { colorMode: "grayscale" });
    assert.deepEqual(data, shades.data);
  }
});

Deno.test("colours become grey by ITU-R 601, and grey becomes three equal channels", async () => {
  const data = Uint8Array.of(255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30);
  const colours = await encodePng({ width: 4, height: 1, channels: 3, data });
  const { data: shades } = await decodeImage(colours, { colorMode: "grayscale" });
  // Pillow's convert("L") gives these.
  assert.deepEqual([...shades], [76, 150, 29, 18]);
  const { data: three } = await decodeImage(await encodePng(grey([7, 200], 2)));
  assert.deepEqual([...three], [7, 7, 7, 200, 200, 200]);
});

Deno.test("a smaller picture is made of means, a larger one of what lies between", async () => {
  const small = await decodeImage(await encodePng(grey([0, 0, 0, 70], 4)), {
    ...{ imageSize: [1, 2], colorMode: "grayscale" },
  });
  // Weights 3 : 3 : 1 of the three pixels that are nearest, as in Pillow's bilinear filter.
  assert.deepEqual([...small.data], [0, 30]);
  const large = await decodeImage(await encodePng(grey([0, 100], 2)), {
    ...{ imageSize: [1, 4], colorMode: "grayscale" },
  });
  assert.deepEqual([...large.data], [0, 25, 75, 100]);
  const { width, height } = await decodeImage(await encodePng(random(9, 5, 3)), {
    imageSize: [12, 4],
  });
  assert.deepEqual([width, height], [4, 12]);
});

Deno.test("a picture that keeps its shape is cut to its middle", async () => {
  for (const [width, height] of [[8, 5], [5, 8], [9, 4], [4, 4]]) {
    for (const channels of [1, 3] as const) {
      const whole = random(width, height, channels);
      const size = Math.min(width, height);
      const { data } = await decodeImage(await encodePng(whole), {
        ...{ imageSize: [size, size], cropToAspectRatio: true },
        colorMode: channels === 1 ? "grayscale" : "rgb",
      });
      const [left, top] = [(width - size) >> 1, (height - size) >> 1];
      const middle = Array.from({ length: size * size * channels }, (_, at) => {
        const [y, x] = [Math.floor(at / channels / size), Math.floor(at / channels) % size];
        return whole.data[((top + y) * width + left + x) * channels + at % channels];
      });
      assert.deepEqual([...data], middle, `${width}×${height}×${channels}`);
    }
  }
});

Deno.test("a picture that is cut is made smaller as a whole, as PyTorch's CenterCrop of Resize", async () => {
  const columns = [0, 40, 100, 20, 60, 80, 10, 50];
  const wide = grey([...columns, ...columns, ...columns, ...columns], 8);
  const halves = await decodeImage(await encodePng(wide), {
    ...{ imageSize: [2, 4], colorMode: "grayscale" },
  });
  const cut = await decodeImage(await encodePng(wide), {
    ...{ imageSize: [2, 2], colorMode: "grayscale", cropToAspectRatio: true },
  });
  assert.deepEqual([cut.width, cut.height], [2, 2]);
  assert.deepEqual([...cut.data], [1, 2, 5, 6].map((at) => halves.data[at]));
  const size = { imageSize: [5, 3], cropToAspectRatio: true } as const;
  const { data, ...found } = await decodeImage(await encodePng(random(31, 17, 3)), size);
  assert.deepEqual(found, { width: 3, height: 5, channels: 3 });
  assert.equal(data.length, 45);
});

Deno.test("JPEG, GIF, WebP and BMP are read, and transparency is left out", async () => {
  const red = [250, 10, 20, 255];
  for (const type of ["image/png", "image/jpeg", "image/bmp"]) {
    const { data } = await decodeImage(await written(type, Array(64).fill(red).flat(), 8));
    for (const [at, byte] of data.entries()) {
      assert.ok(Math.abs(byte - red[at % 3]) <= 4, `${type}: ${byte} at ${at}`);
    }
  }
  const clear = await decodeImage(await written("image/png", [9, 8, 7, 100, 6, 5, 4, 255], 2));
  assert.deepEqual([...clear.data], [9, 8, 7, 6, 5, 4]);
  const gif = "R0lGODlhAQABAIAAAAUEBAAAACwAAAAAAQABAAACAkQBADs=";
  assert.deepEqual([...(await decodeImage(Uint8Array.fromBase64(gif))).data], [5, 4, 4]);
  const webp = "UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==";
  assert.equal((await decodeImage(Uint8Array.fromBase64(webp))).data.length, 3);
});

/** PNG files of other kinds: a palette, grey with transparency, and pixels of one bit. */
const kinds = {
  palette:
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAMAAADD/I+4AAAABlBMVEUBAgMEBQaVU29IAAAAC0lEQVR4nGNgYAQAAAQAAr96P0oAAAAASUVORK5CYII=",
  transparent:
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAQAAABeK7cBAAAADUlEQVR4nGNI+X+iAQAGogKsyQIlbwAAAABJRU5ErkJggg==",
  bits:
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAABAQAAAADLe9LuAAAACklEQVR4nGNYBQAArACrZgvkawAAAABJRU5ErkJggg==",
};

Deno.test("palettes, single bits and grey with transparency are read, too", async () => {
  const bytesOf = async (kind: keyof typeof kinds, options: DecodeImageOptions = {}) => {
    const { data } = await decodeImage(Uint8Array.fromBase64(kinds[kind]), options);
    return [...data];
  };
  const colorMode = "grayscale";
  assert.deepEqual(await bytesOf("palette"), [1, 2, 3, 4, 5, 6]);
  assert.deepEqual(await bytesOf("transparent", { colorMode }), [100, 200]);
  assert.deepEqual(await bytesOf("bits", { colorMode }), [255, 0, 255, 0, 255, 0, 255, 0]);
  const imageSize = [2, 4] as const;
  const larger = await bytesOf("transparent", { colorMode, imageSize });
  assert.deepEqual(larger, [100, 125, 175, 200, 100, 125, 175, 200]);
});

Deno.test("what is no picture is refused, and by its name", async () => {
  const whole = await encodePng(random(9, 9, 3));
  const refused = (file: Uint8Array, message: RegExp) =>
    assert.rejects(decodeImage(file, { file: '"cat.png"' }), (error: Error) => {
      assert.ok(error instanceof DataError && error.cause instanceof Error);
      assert.match(error.message, /^Cannot decode "cat.png" as it must be a whole PNG, JPEG/);
      assert.match(error.message, message);
      assert.ok(!error.message.includes("\n"));
      return true;
    });
  await refused(Uint8Array.of(1, 2, 3), /not a supported format/);
  await refused(new Uint8Array(), /./);
  await refused(whole.slice(0, 60), /./);
  // Sixteen bits a channel.
  await refused(
    Uint8Array.fromBase64(
      "iVBORw0KGgoAAAANSUhEUgAAAAIAAAABEAAAAACB2fwVAAAADUlEQVR4nGNoYPj/HwAFAgJ/Fl7EZQAAAABJRU5ErkJggg==",
    ),
    /at most 8 bits/,
  );
  await assert.rejects(decodeImage(Uint8Array.of(1)), /Cannot decode a picture as it must/);
  const path = "cat.png" as unknown as Uint8Array;
  await assert.rejects(decodeImage(path), /takes the bytes of a file: received "cat.png"/);
});

Deno.test("sizes and channels that there are not are refused", async () => {
  const file = await encodePng(random(2, 2, 1));
  for (const imageSize of [[0, 2], [2], [1.5, 2], 7, [NaN, 1]]) {
    const options = { imageSize: imageSize as [number, number] };
    await assert.rejects(decodeImage(file, options), /imageSize must be a height and a width/);
    const said = Array.isArray(imageSize) ? `[${imageSize.join(", ")}]` : `${imageSize}`;
    await assert.rejects(
      decodeImage(file, options),
      (error: Error) => error.message.endsWith(`received ${said}`),
    );
  }
  await assert.rejects(
    decodeImage(file, { cropToAspectRatio: true }),
    { name: "RangeError", message: /cropToAspectRatio needs an imageSize/ },
  );
  const colorMode = "rgba" as "rgb";
  await assert.rejects(decodeImage(file, { colorMode }), /colorMode must be "rgb" or "grayscale"/);
});
