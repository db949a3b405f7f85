/**
 * Runs models by ONNX Runtime: reads a file of `{ model, inputs }` a line (the model's path, and
 * `{ data, shape }` by name), writes the outputs of each as a line of JSON.
 */
import * as ort from "onnxruntime-web/wasm";

interface Numbers {
  readonly data: readonly number[];
  readonly shape: readonly number[];
}

ort.env.wasm.numThreads = 1;
ort.env.logLevel = "error";

for (const line of Deno.readTextFileSync(Deno.args[0]).trimEnd().split("\n")) {
  const { model, inputs } = JSON.parse(line) as {
    model: string;
    inputs: Record<string, Numbers>;
  };
  const session = await ort.InferenceSession.create(Deno.readFileSync(model));
  const feeds = Object.entries(inputs).map(([name, { data, shape }]) =>
    [name, new ort.Tensor("float32", Float32Array.from(data), shape)] as const
  );
  const outputs = await session.run(Object.fromEntries(feeds));
  console.log(JSON.stringify(Object.fromEntries(
    Object.entries(outputs).map(([name, { data, dims }]) =>
      // NaN and infinities as texts, as JSON has none.
      [name, { shape: dims, data: Array.from(data as Float32Array, written) }] as const
    ),
  )));
  await session.release();
}

function written(value: number): number | string {
  return Number.isFinite(value) ? Number(value.toPrecision(9)) : String(value);
}
