import { inputLeaf } from "../../core/graph/leaf.ts";
import { convolution, gradients, scatterAdd, segmentMax, segmentSum } from "../../core/ops/mod.ts";
import { floats, mulberry32 } from "../core/ops/generator.ts";
import { assertParity, gpuTest, value } from "./harness.ts";

gpuTest("folds of more than 65,535 rows leave none out", async (device) => {
  const random = mulberry32(5);
  // Mesa's software adapter leaves a shader's loops after so many turns of all of them together.
  const count = 70_001;
  const rows = inputLeaf("rows", [count], "f32");
  const ids = inputLeaf("ids", [count], "u32");
  const images = inputLeaf("images", [65, 1, 33, 34, 2], "f32");
  const kernel = inputLeaf("kernel", [1, 1, 1, 1, 2], "f32");
  const ones = [1, 1, 1] as const;
  const none = [0, 0, 0] as const;
  const convolved = convolution(images, kernel, {
    strides: ones,
    before: none,
    after: none,
    dilation: ones,
    inputDilation: ones,
    groups: 2,
  });
  const small = (size: number) => floats(random, [size], [0.5, 1.5]).data.map((x) => x / size);
  const bindings = new Map([
    value(rows, small(count).with(count - 1, 0.25)),
    value(ids, Array.from({ length: count }, (_, place) => place < 9 ? 0 : 2)),
    value(images, small(images.size)),
    value(kernel, [1, 2]),
  ]);
  const outputs = [
    scatterAdd(rows, ids, 3),
    segmentSum(rows, ids, 3),
    segmentMax(rows, ids, 3),
    ...gradients(convolved, [kernel]),
  ];
  await assertParity(device, outputs, bindings, { tolerance: 400 });
});
