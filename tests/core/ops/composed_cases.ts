import type { Tensor } from "../../../core/graph/tensor.ts";
import * as ops from "../../../core/ops/mod.ts";
import { type CaseInput, floats, integers, type OpCase } from "./generator.ts";
import { opCase } from "./structured_cases.ts";

/** Softmax and its kin, over several axes. */
export function softmaxCases(random: () => number): OpCase[] {
  const shapes = [[1], [7], [3, 1], [5, 10], [2, 3, 4]];
  const extra = { tolerance: 64, magnitude: 0.25 };
  const large = (shape: number[]): CaseInput => floats(random, shape, [500, 520]);
  return [
    ...shapes.flatMap((shape) => [
      opCase("softmax", [floats(random, shape)], (x) => ops.softmax(x), extra),
      opCase("softmax over 0", [floats(random, shape)], (x) => ops.softmax(x, 0), extra),
      opCase("logSoftmax", [floats(random, shape)], (x) => ops.logSoftmax(x), extra),
      opCase("logSoftmax over 0", [floats(random, shape)], (x) => ops.logSoftmax(x, 0), extra),
      opCase("logSumExp", [floats(random, shape)], (x) => ops.logSumExp(x), extra),
      opCase(
        "logSumExp over all",
        [floats(random, shape)],
        (x) => ops.logSumExp(x, [...shape.keys()]),
        extra,
      ),
      opCase(
        "softmaxCrossEntropy",
        [floats(random, shape), floats(random, shape, [0, 1])],
        ops.softmaxCrossEntropy,
        { tolerance: 64, magnitude: 1 },
      ),
      ...(["u32", "i32"] as const).map((dtype) =>
        opCase(
          "sparseSoftmaxCrossEntropy",
          [
            floats(random, shape),
            integers(random, shape.slice(0, -1), dtype, [0, shape[shape.length - 1]]),
          ],
          ops.sparseSoftmaxCrossEntropy,
          extra,
        )
      ),
    ]),
    opCase("softmax, large", [large([3, 5])], (x) => ops.softmax(x), extra),
    opCase("logSumExp, large", [large([3, 5])], (x) => ops.logSumExp(x), extra),
    opCase(
      "sparseSoftmaxCrossEntropy, large",
      [large([3, 5]), integers(random, [3], "u32", [0, 5])],
      ops.sparseSoftmaxCrossEntropy,
      { tolerance: 64, magnitude: 1 },
    ),
    opCase(
      "softmax of a transpose",
      [floats(random, [4, 6])],
      (x) => ops.softmax(x.transpose()),
      extra,
    ),
  ];
}

/** Functions made of several ops, as fusion meets them. */
export function composedCases(random: () => number): OpCase[] {
  const unary: [string, (x: Tensor) => Tensor, number?][] = [
    ["leakyRelu", (x) => ops.leakyRelu(x, 0.1)],
    ["elu", (x) => ops.elu(x, 0.7), 16],
    ["selu", ops.selu, 16],
    ["gelu", (x) => ops.gelu(x), 32],
    ["gelu, approximate", (x) => ops.gelu(x, { approximate: true }), 64],
    ["silu", ops.silu, 16],
    ["hardSigmoid", ops.hardSigmoid, 16],
    ["softsign", ops.softsign],
    ["mish", ops.mish, 32],
    ["relu6", (x) => ops.relu6(x.mul(4))],
    ["step", ops.step, 0],
    ["clip", (x) => ops.clip(x, -1, 0.5), 0],
    ["pow 2", (x) => ops.pow(x, 2)],
    ["pow 3", (x) => ops.pow(x, 3)],
    ["pow -1", (x) => ops.pow(x, -1)],
    ["pow 4 of any sign", (x) => ops.pow(x, 4), 64],
    ["exp(-x²)·tanh(x)", (x) => x.square().neg().exp().mul(x.tanh()), 64],
    ["x·sigmoid(x) + √(x² + 1)", (x) => x.square().add(1).sqrt().add(x.mul(x.sigmoid())), 32],
  ];
  return [
    ...unary.flatMap(([name, build, tolerance = 4]) =>
      [[], [1], [3, 7], [2, 1, 5]].map((shape) =>
        opCase(name, [floats(random, shape)], build, { tolerance, magnitude: 1e-2 })
      )
    ),
    opCase(
      "clip between tensors",
      [floats(random, [3, 5]), floats(random, [5], [-2, -1]), floats(random, [3, 1], [0, 2])],
      ops.clip,
      { tolerance: 0 },
    ),
    opCase("standardise", [floats(random, [6, 5])], (x) => {
      const centred = x.sub(x.mean(0));
      return centred.div(centred.square().mean(0).add(1e-3).sqrt());
    }, { tolerance: 64, magnitude: 1 }),
    opCase(
      "mean squared error",
      [floats(random, [4, 3]), floats(random, [4, 3])],
      (x, y) => x.sub(y).square().mean(),
      { tolerance: 16 },
    ),
    opCase(
      "recompute",
      [floats(random, [6, 5]), floats(random, [5, 3])],
      (x, w) => {
        const part = ops.recompute(x.tanh().matmul(w).square(), [x, w]);
        return ops.recompute(part.mul(part).add(1).sqrt(), [part]);
      },
      { tolerance: 64, magnitude: 1 },
    ),
    opCase("argMax", [floats(random, [4, 9])], (x) => x.argMax(), {
      tolerance: 0,
      differentiable: [],
    }),
    opCase("argMin over 0", [floats(random, [4, 9])], (x) => ops.argMin(x, 0), {
      tolerance: 0,
      differentiable: [],
    }),
    ...[ops.argMax, ops.argMin].map((find) =>
      opCase(
        `${find.name} of rows with NaN`,
        [{ shape: [4, 3], dtype: "f32", data: [1, NaN, 2, NaN, 3, NaN, -1, 5, NaN, 2, -3, 4] }],
        (x) => find(x),
        { tolerance: 0, differentiable: [] },
      )
    ),
    opCase("argMax of equals", [integers(random, [5, 8], "u32", [0, 3])], (x) => x.argMax(), {
      tolerance: 0,
    }),
    opCase("oneHot", [integers(random, [5], "u32", [0, 6])], (x) => ops.oneHot(x, 6), {
      tolerance: 0,
    }),
    opCase("oneHot", [integers(random, [2, 3], "i32", [-1, 5])], (x) => ops.oneHot(x, 4), {
      tolerance: 0,
    }),
    opCase(
      "accuracy",
      [floats(random, [9, 4]), integers(random, [9], "u32", [0, 4])],
      (logits, labels) => logits.argMax().equal(labels).cast("f32").mean(),
      { differentiable: [] },
    ),
    opCase(
      "condition on three types",
      [floats(random, [4, 3]), integers(random, [3], "i32", [-2, 3])],
      (x, y) =>
        ops.select(ops.logicalAnd(x.greater(0), ops.logicalNot(y.less(0))), x, y.cast("f32")),
      { tolerance: 0 },
    ),
  ];
}

/** Random numbers: their values depend on counters alone, so all devices must agree. */
export function randomCases(random: () => number): OpCase[] {
  const word = (): CaseInput => integers(random, [], "u32", [0, 4294967296]);
  const words = [word(), word(), word()];
  const stream = (key0: Tensor, key1: Tensor) => ({ key0, key1 });
  return [[], [1], [37], [4, 5], [2, 3, 4, 5]].flatMap((shape) => [
    opCase(
      `randomBits [${shape}]`,
      words,
      (a, b, counter) => ops.randomBits(stream(a, b), shape, counter),
      { tolerance: 0 },
    ),
    opCase(
      `uniform [${shape}]`,
      words,
      (a, b, counter) => ops.uniform(stream(a, b), shape, counter),
      { tolerance: 0 },
    ),
    opCase(
      `normal [${shape}]`,
      words,
      (a, b, counter) => ops.normal(stream(a, b), shape, counter),
      { tolerance: 64, magnitude: 1 },
    ),
    opCase(
      `dropout [${shape}]`,
      [...words, floats(random, shape), { shape: [], dtype: "f32", data: [0.25] }],
      (a, b, counter, x, rate) =>
        ops.select(
          ops.dropoutMask(stream(a, b), shape, counter, rate),
          ops.div(x, ops.sub(1, rate)),
          0,
        ),
      { differentiable: [3] },
    ),
  ]);
}
