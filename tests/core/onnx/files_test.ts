/** What is in an ONNX file: read without the code that writes it. */
import assert from "node:assert/strict";
import { modelToOnnx } from "../../../mod.ts";
import { type DecodedGraph, type DecodedNode, decodeOnnx } from "./decode_onnx.ts";
import { onnxModels } from "./onnx_models.ts";

const decoded = async (name: string) => decodeOnnx(await modelToOnnx(onnxModels[name]().model));

/** All that a node takes, also within the graph that it runs. */
function takenBy({ inputs, body }: DecodedNode): string[] {
  return [...inputs, ...body?.nodes.flatMap(takenBy) ?? [], ...body?.outputs.keys() ?? []];
}

/** Each value is made once, before it is taken, and leads to something. */
function checkGraph(graph: DecodedGraph, around: ReadonlySet<string>, name: string) {
  const known = new Set(around);
  const add = (value: string) => {
    assert.ok(!known.has(value), `${name}: ${value} is made twice`);
    known.add(value);
  };
  [...graph.inputs.keys(), ...graph.initializers.keys()].forEach(add);
  const wanted = new Set([...graph.outputs.keys(), ...graph.nodes.flatMap(takenBy)]);
  for (const node of graph.nodes) {
    for (const input of node.inputs) assert.ok(known.has(input), `${name}: no ${input} yet`);
    if (node.body) checkGraph(node.body, known, name);
    node.outputs.forEach(add);
    assert.ok(
      node.outputs.some((output) => wanted.has(output)),
      `${name}: ${node.outputs} is dead`,
    );
  }
  for (const output of graph.outputs.keys()) assert.ok(known.has(output), `${name}: no ${output}`);
  for (const value of graph.initializers.keys()) assert.ok(wanted.has(value), `${name}: ${value}`);
}

for (const name of Object.keys(onnxModels)) {
  Deno.test(`values of a file are made once, in order, for something: ${name}`, async () => {
    const { graph, opset } = await decoded(name);
    assert.equal(opset, 18);
    checkGraph(graph, new Set(), name);
  });
}

Deno.test("a file has the model's names and any batch size", async () => {
  const { graph } = await decoded("merged");
  assert.deepEqual([...graph.inputs], [["a", ["batch", 4]], ["b", ["batch", 4]]]);
  assert.deepEqual([...graph.outputs.keys()], ["sum", "row", "product", "largest"]);
  assert.deepEqual(graph.outputs.get("row"), ["batch", 3]);
  // A layer that stands twice in the model has its weights once in the file.
  assert.deepEqual(graph.initializers.get("shared/kernel"), [4, 4]);
  assert.deepEqual([...graph.initializers.keys()].filter((value) => /shared/.test(value)).sort(), [
    "shared/bias",
    "shared/kernel",
  ]);
});

Deno.test("weights are turned as ONNX wants them, and images no more often than needed", async () => {
  const { graph } = await decoded("convolution");
  assert.deepEqual([...graph.inputs], [["input", ["batch", 12, 10, 3]]]);
  assert.deepEqual([...graph.outputs], [["output", ["batch", 4]]]);
  assert.deepEqual(graph.initializers.get("conv2d_1/kernel"), [8, 3, 3, 3]);
  assert.deepEqual(graph.nodes.map(({ operation }) => operation), [
    ...["Transpose", "Conv", "Transpose", "Add", "Relu"],
    ...["Transpose", "MaxPool", "Conv", "Transpose", "Add"],
    ...["Sub", "Mul", "Add", "Reshape", "MatMul", "Add", "Softmax", "Identity"],
  ]);
});

Deno.test("an output that is named as an input has another name, states of a cell are outputs", async () => {
  const { graph } = await decoded("lstmStates");
  assert.deepEqual([...graph.outputs.keys()], ["outputs", "h_output", "c_output"]);
  const scans = graph.nodes.filter(({ operation }) => operation === "Scan");
  assert.equal(scans.length, 1);
  assert.deepEqual([...scans[0].body!.inputs.values()], [
    ["batch", 5],
    ["batch", 5],
    ["batch", 20],
  ]);
});
