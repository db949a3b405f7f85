/**
 * The sheet of digits changed by every layer, for people to look at: tests/golden/augmented_digits.png.
 * `deno test -A tests/core/nn/augmented_digits_test.ts -- --update` draws it anew.
 */
import assert from "node:assert/strict";
import { encodePng, type Image, imageGrid } from "../../../data/mod.ts";
import { greyImage } from "../../../data/images.ts";
import { mnist } from "../../../data/mnist.ts";
import * as nn from "../../../core/nn/mod.ts";
import { tensor } from "../../../core/ops/mod.ts";
import { evaluateOn } from "../../devices.ts";
import { TestContext } from "./context.ts";

const file = new URL("../../golden/augmented_digits.png", import.meta.url);
const [digits, size] = [12, 28];
const valueRange = [0, 1] as const;
const constant = { fillMode: "constant" } as const;

/** A row each: the digits as they are, and then changed by a layer. */
const rows: nn.Layer[] = [
  nn.identity(),
  nn.randomTranslation(0.2, 0.2, constant),
  nn.randomRotation([0.1, 0.1], constant),
  nn.randomZoom([0.5, 0.5], constant),
  nn.randomZoom([-0.3, -0.3], { widthFactor: 0.3, ...constant }),
  nn.randomAffine({
    heightFactor: 0.08,
    widthFactor: 0.08,
    rotationFactor: 0.04,
    shearFactor: 0.2,
    zoomFactor: 0.12,
    ...constant,
  }),
  nn.randomElasticTransform({ factor: [1, 1], ...constant }),
  nn.randomFlip(),
  nn.randomContrast(0.9, { valueRange }),
  nn.randomBrightness(0.5, { valueRange }),
  nn.randomErasing({ factor: [1, 1], valueRange }),
  nn.randomErasing({ factor: [0.5, 0.5], fillValue: 0.5, valueRange }),
  nn.randomTranslation(0.5, 0.5),
  nn.randomRotation(0.2, { fillMode: "wrap" }),
  nn.randomTranslation(0.5, 0.5, { fillMode: "nearest" }),
];

/** The pixels of the sheet. */
async function draw(): Promise<Image> {
  const { data, scale = 1 } = mnist.train.x;
  const pixels = Float32Array.from(data.subarray(0, digits * size * size), (byte) => byte * scale);
  const x = tensor(pixels, { shape: [digits, size, size, 1] });
  const context = Object.assign(Object.create(new TestContext()), {
    training: true,
    counter: tensor(3, { dtype: "u32" }),
    randomKey(name: string) {
      const { key0, key1 } = nn.namedKey(42, name);
      return { key0: tensor(key0, { dtype: "u32" }), key1: tensor(key1, { dtype: "u32" }) };
    },
  });
  const changed = await evaluateOn(
    { device: "cpu", threads: 1 },
    rows.map((layer) => layer.apply({}, x, context)),
  );
  const images = changed.flatMap((row) =>
    Array.from(
      { length: digits },
      (_, n) => row.slice(n * size * size, (n + 1) * size * size),
    ).map((values) => greyImage(values, { width: size, height: size }))
  );
  return imageGrid(images, { columns: digits, scale: 1 });
}

/** The bytes of a picture that `encodePng` has written: lines without filters. */
async function decode(png: Uint8Array<ArrayBuffer>, { width, height, channels }: Image) {
  const view = new DataView(png.buffer);
  let at = 8;
  while (new TextDecoder().decode(png.subarray(at + 4, at + 8)) !== "IDAT") {
    at += view.getUint32(at) + 12;
  }
  const deflated = png.subarray(at + 8, at + 8 + view.getUint32(at));
  const stream = new Blob([deflated]).stream().pipeThrough(new DecompressionStream("deflate"));
  const lines = await new Response(stream).bytes();
  const stride = width * channels;
  assert.equal(lines.length, height * (stride + 1));
  return Array.from(
    { length: height },
    (_, row) => lines.subarray(row * (stride + 1) + 1, (row + 1) * (stride + 1)),
  );
}

Deno.test("digits are changed as on the sheet that people have looked at", async () => {
  const sheet = await draw();
  if (Deno.args.includes("--update")) await Deno.writeFile(file, await encodePng(sheet));
  const lines = await decode(await Deno.readFile(file), sheet);
  const stride = sheet.width * sheet.channels;
  // Processors that fuse multiply and add differ in the last bits, and so here and there in a byte.
  let far = 0;
  lines.forEach((line, row) =>
    line.forEach((byte, column) => {
      if (Math.abs(byte - sheet.data[row * stride + column]) > 1) far++;
    })
  );
  assert.ok(far <= sheet.data.length * 1e-4, `${far} bytes of ${sheet.data.length} differ`);
});
