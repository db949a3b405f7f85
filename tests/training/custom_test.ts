// A layer, loss, metric, optimizer and op of a user's, in a file outside of Millrace: the README's.
import assert from "node:assert/strict";
import { devicesOf } from "./devices.ts";

const root = new URL("../../", import.meta.url);
const readme = await Deno.readTextFile(new URL("README.md", root));
const title = "\n## Your own layer, loss, metric, optimizer, op\n";
const block = readme.slice(readme.indexOf(title)).match(/^```ts\n(.*?)^```$/ms)![1];

/** Runs a file of a folder elsewhere, which knows Millrace by its name alone. */
async function run(text: string): Promise<string> {
  assert(readme.includes(title));
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/own.ts`, text);
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-check",
        "--no-prompt",
        "--quiet",
        "--config=deno.json",
        `${folder}/own.ts`,
      ],
      cwd: root,
      stdin: "null",
    }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout).trimEnd().split("\n").at(-1)!;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("the README's own layer, loss, metric, optimizer and op run as they stand", async () => {
  await run(block);
});

// What the README defines, without what it does with it.
const definitions = block.slice(0, block.indexOf("const points"));
const [samples, epochs, rate, start] = [24, 6, 0.03, 0.5];
const draw = (place: number) => Math.sin(place * 1.7) * 2;
const rows = Array.from({ length: samples }, (_, i) => [draw(2 * i), draw(2 * i + 1)]);
const targets = rows.map(([a, b]) => [a * 0.9, b * 0.3 - 0.2]);

const program = (device: string, threads: number) =>
  `${definitions}
import * as millrace from "@millrace/millrace";
const { device } = await millrace.openDevice({ device: "${device}", threads: ${threads} });
const x = millrace.tensor([-3, -0.5, 0, 0.25, 4]);
const [values, slopes] = await millrace.evaluateTensors(
  [bent(x), ...millrace.gradients(bent(x), [x])],
  device,
);
const model = sequential([input([2]), bentScale({ start: ${start} })]);
const data = arrays(${JSON.stringify(rows)}, ${JSON.stringify(targets)});
const { logs } = await lastValueFrom(fit(model, data, {
  loss: quartic,
  optimizer: signMomentum(${rate}),
  metrics: [nearby],
  validation: data,
  batchSize: ${samples},
  epochs: ${epochs},
  device,
}));
await device.idle();
device.dispose();
const weights = [...model.parameters[0].value];
void [dense, modelFromJson, modelToJson];
console.log(JSON.stringify({ values: [...values], slopes: [...slopes], weights, logs }));
`;

const bent = (x: number) => (Math.sqrt(x * x + 1) - 1) / 2 + x;

/** The same training in plain float64. */
function expected(): { weights: number[]; loss: number; share: number } {
  const scale = [start, start];
  const average = [0, 0];
  const errors = () => rows.map((row, i) => row.map((x, j) => bent(x) * scale[j] - targets[i][j]));
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  for (let step = 0; step < epochs; step++) {
    const slope = errors().map((row, i) => row.map((e, j) => 2 * e ** 3 * bent(rows[i][j])));
    for (const j of [0, 1]) {
      average[j] = 0.9 * average[j] + 0.1 * mean(slope.map((row) => row[j]));
    }
    for (const j of [0, 1]) scale[j] -= rate * Math.sign(average[j]);
  }
  const last = errors().flat();
  return {
    weights: scale,
    loss: mean(last.map((error) => error ** 4)),
    share: mean(last.map((error) => Number(Math.abs(error) < 0.1))),
  };
}

const names: Record<string, [string, number]> = {
  "reference": ["reference", 1],
  "cpu, 1 thread": ["cpu", 1],
  "cpu, 2 threads": ["cpu", 2],
  "webgpu": ["webgpu", 1],
};
for (const { name } of await devicesOf()) {
  Deno.test(`what is the user's own gives float64's results [${name}]`, async () => {
    const { values, slopes, weights, logs } = JSON.parse(await run(program(...names[name])));
    const close = (actual: number, wanted: number, what: string) =>
      assert(Math.abs(actual - wanted) < 1e-5, `${what}: ${actual}, ${wanted}`);
    [-3, -0.5, 0, 0.25, 4].forEach((x, place) => {
      close(values[place], bent(x), "op");
      close(slopes[place], (bent(x + 1e-6) - bent(x - 1e-6)) / 2e-6, "derivative");
    });
    const wanted = expected();
    wanted.weights.forEach((value, place) => close(weights[place], value, "weight"));
    close(logs.val_loss, wanted.loss, "loss");
    close(logs.val_share_within_a_tenth, wanted.share, "metric");
    close(logs.learning_rate, rate, "rate");
    assert(wanted.share > 0 && wanted.share < 1);
  });
}
