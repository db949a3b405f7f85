/**
 * Writes tests/golden/onnx.json: for each model of tests/core/onnx/onnx_models.ts the SHA-256 of its
 * file, and what ONNX Runtime makes of batches of inputs. Its 140 MB are fetched by this script alone.
 *
 * `deno run -A tests/golden/make_onnx_golden.ts`
 */
import { join } from "node:path";
import { modelToOnnx } from "../../mod.ts";
import { sha256 } from "../core/onnx/exported_model.ts";
import { batchSizes, onnxInputs, onnxModels } from "../core/onnx/onnx_models.ts";

const here = import.meta.dirname!;
const folder = await Deno.makeTempDir();
const files: Record<string, string> = {};
const runs: string[] = [];
for (const [name, make] of Object.entries(onnxModels)) {
  const exported = make();
  const bytes = await modelToOnnx(exported.model);
  const model = join(folder, `${name}.onnx`);
  await Deno.writeFile(model, bytes);
  files[name] = await sha256(bytes);
  for (const batch of batchSizes) {
    const inputs = Object.entries(onnxInputs(exported, batch)).map(([input, { data, shape }]) =>
      [input, { data: [...data], shape }] as const
    );
    runs.push(JSON.stringify({ model, inputs: Object.fromEntries(inputs) }));
  }
}
await Deno.writeTextFile(join(folder, "runs.json"), runs.join("\n"));
const runtime = join(here, "onnx_runtime");
const { success, stdout } = await new Deno.Command(Deno.execPath(), {
  args: [
    ...["run", "-A", "--config", join(runtime, "deno.json"), join(runtime, "run_models.ts")],
    join(folder, "runs.json"),
  ],
  stderr: "inherit",
}).output();
await Deno.remove(folder, { recursive: true });
if (!success) throw new Error("ONNX Runtime has not run all models");
const outputs = new TextDecoder().decode(stdout).trimEnd().split("\n").map((line) =>
  JSON.parse(line)
);
const golden = Object.entries(files).map(([name, hash], place) => {
  const first = place * batchSizes.length;
  const batches = outputs.slice(first, first + batchSizes.length);
  return [name, { sha256: hash, outputs: batches }] as const;
});
const text = JSON.stringify(Object.fromEntries(golden)).replaceAll('},"', '},\n"');
await Deno.writeTextFile(join(here, "onnx.json"), `${text}\n`);
