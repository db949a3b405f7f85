import assert from "node:assert/strict";
import { lastValueFrom } from "rxjs";
import {
  addLayer,
  arrays,
  backward,
  concatenate,
  connect,
  copyWeights,
  dense,
  dropout,
  fit,
  forward,
  frozen,
  functional,
  input,
  type Layer,
  loadWeights,
  loss,
  meanSquaredError,
  miniBatches,
  type Model,
  predict,
  saveWeights,
  sequential,
  sgd,
  summary,
  update,
} from "../../../mod.ts";
import { evaluateReference } from "../../../core/cpu/reference.ts";
import { inputLeaf } from "../../../core/graph/leaf.ts";
import { gradients, tensor } from "../../../core/ops/mod.ts";
import { testOnDevices } from "../../devices.ts";
import { TestContext, valuesOf } from "./context.ts";

const cpu = { device: "cpu", threads: 1 } as const;

const weightsOf = (model: { readonly parameters: Model["parameters"] }) =>
  new Map(
    model.parameters.map((parameter) => [
      parameter,
      tensor(parameter.value, { shape: parameter.shape }),
    ]),
  );

Deno.test("a shared layer has one set of weights, and its gradient is the sum over its calls", () => {
  const [a, b] = [input([3]), input([3])];
  const shared = dense(2, { name: "shared", activation: "tanh" });
  const twice = functional({
    inputs: { a, b },
    outputs: connect([connect(a, shared), connect(b, shared)], addLayer()),
  });
  assert.deepEqual([...twice.weights.keys()], ["shared/kernel", "shared/bias"]);
  const [x, y] = [tensor([[1, -2, 0.5]]), tensor([[0.3, 0.1, -1]])];
  const values = weightsOf(twice);
  const kernel = values.get(twice.parameters[0])!;
  const total = twice.apply(values, { a: x, b: y }, new TestContext()).sum();
  const one = sequential([input([3]), dense(2, { name: "shared", activation: "tanh" })]);
  const apart = [x, y].map((given) => {
    const own = new Map(one.parameters.map((p, place) => [p, [...values.values()][place]]));
    return valuesOf(gradients(one.apply(own, given, new TestContext()).sum(), [kernel])[0]);
  });
  const [slope] = gradients(total, [kernel]);
  valuesOf(slope).forEach((value, place) =>
    assert(Math.abs(value - apart[0][place] - apart[1][place]) < 1e-12)
  );
  assert.match(summary(twice), /shared\[0\]\[0\], shared\[1\]\[0\]/);
});

Deno.test("calls of a shared dropout layer have masks of their own", () => {
  const [a, b] = [input([3]), input([3])];
  const toss = dropout(0.5);
  const model = functional({
    inputs: { a, b },
    outputs: { a: connect(a, toss), b: connect(b, toss) },
  });
  const context = new TestContext();
  const x = inputLeaf("x", [2, 3], "f32");
  model.apply(new Map(), { a: x, b: x }, context);
  const keys = context.names.filter((name) => name.endsWith("#0"));
  assert.deepEqual(keys, ["dropout_1/mask#0", "dropout_1/call_2/mask#0"]);
});

Deno.test("a shared layer refuses inputs that need other weights", () => {
  const [a, b] = [input([3]), input([4])];
  const shared = dense(2);
  const outputs = connect([connect(a, shared), connect(b, shared)], addLayer());
  assert.throws(
    () => functional({ inputs: { a, b }, outputs }),
    /^ShapeError: dense_1: .*got \[4\], which needs kernel \[4, 2\] where it is \[3, 2\]/,
  );
});

Deno.test("a stack is the graph of the same layers", async () => {
  const layers = () => [dense(4, { activation: "relu" }), dropout(0.2), dense(2)];
  const stack = sequential([input([3]), ...layers()], { seed: 7 });
  const x = input([3]);
  const [first, ...rest] = layers();
  const graph = functional({ inputs: x, outputs: connect(x, first, ...rest), seed: 7 });
  assert.deepEqual([...graph.weights.keys()], [...stack.weights.keys()]);
  const data = arrays([[1, 2, 3], [-1, 0, 1], [2, 2, 0]], [[1, 0], [0, 1], [1, 1]]);
  const options = { loss: meanSquaredError(), optimizer: sgd(), epochs: 3, batchSize: 2, ...cpu };
  const logs = await Promise.all(
    [stack, graph].map(async (model) => (await lastValueFrom(fit(model, data, options))).logs),
  );
  assert.deepEqual(logs[0], logs[1]);
  graph.parameters.forEach(({ value }, place) =>
    assert.deepEqual(value, stack.parameters[place].value)
  );
});

await testOnDevices(
  "a model within a model shares its weights, also through training",
  async (options) => {
    const encoder = sequential([input([2]), dense(3, { activation: "tanh" }), dense(2)], {
      name: "encoder",
      seed: 3,
    });
    const whole = sequential([encoder, dense(3, { activation: "tanh" }), dense(1)], { seed: 9 });
    assert.deepEqual([...whole.weights.keys()].filter((name) => name.endsWith("kernel")), [
      "encoder/dense_1/kernel",
      "encoder/dense_2/kernel",
      "dense_1/kernel",
      "dense_2/kernel",
    ]);
    assert.equal(
      whole.weights.get("encoder/dense_1/kernel"),
      encoder.weights.get("dense_1/kernel"),
    );
    const before = encoder.parameters.map(({ value }) => value.slice());
    const data = arrays([[1, 2], [-1, 0], [2, 1], [0, -1]], [[1], [0], [1], [0]]);
    const common = { ...options, loss: meanSquaredError(), epochs: 40 };
    const first = await lastValueFrom(
      fit(whole, data, { ...common, optimizer: sgd({ learningRate: 0.2, momentum: 0.5 }) }),
    );
    assert(first.logs.loss < 0.1, `${first.logs.loss}`);
    encoder.parameters.forEach(({ value }, place) => assert.notDeepEqual(value, before[place]));
    const alone = await predict(encoder, data.x, options);
    assert.deepEqual(alone.shape, [4, 2]);
  },
);

Deno.test("what is frozen in one model may learn in another, in one pipe", async () => {
  const data = arrays([[1, 2], [-1, 0], [2, 1]], [[1], [0], [1]]);
  const encoder = sequential([input([2]), dense(2)], { name: "encoder", seed: 1 });
  const whole = sequential([frozen(encoder), frozen(dense(2, { name: "still" })), dense(1)]);
  assert.deepEqual(whole.trainableParameters.map(({ name }) => name), [
    "dense_1/kernel",
    "dense_1/bias",
  ]);
  assert.match(summary(whole), /Trainable params: 3 .*\n Non-trainable params: 12 /);
  const before = new Map([...whole.weights].map(([name, { value }]) => [name, value.slice()]));
  await lastValueFrom(fit(whole, data, { ...cpu, loss: meanSquaredError(), optimizer: sgd() }));
  for (const [name, { value }] of whole.weights) {
    if (name.startsWith("dense_1")) assert.notDeepEqual(value, before.get(name));
    else assert.deepEqual(value, before.get(name));
  }
  const both = miniBatches(data, cpu).pipe(
    forward(whole),
    loss(meanSquaredError()),
    backward(),
    update(sgd()),
    forward(encoder),
    loss({ name: "square", apply: (_targets, outputs) => outputs.square().sum(-1) }, {
      name: "encoder_loss",
    }),
    backward(),
    update(sgd()),
  );
  await lastValueFrom(both);
  assert.notDeepEqual(encoder.parameters[0].value, before.get("encoder/dense_1/kernel"));
});

Deno.test("a model of several inputs and outputs is called by their names", () => {
  const [left, right] = [input([2]), input([3])];
  const joined = connect([left, right], concatenate());
  const pair = functional({
    inputs: { left, right },
    outputs: { wide: connect(joined, dense(4)), narrow: connect(joined, dense(1)) },
    name: "pair",
  });
  const x = input([2]);
  const { wide, narrow } = connect({ right: connect(x, dense(3)), left: x }, pair);
  const model = functional({ inputs: x, outputs: connect([wide, narrow], concatenate()) });
  assert.deepEqual(model.outputShape, [5]);
  assert.match(summary(model), /pair\[0\]\[0\], pair\[0\]\[1\]/);
  assert.match(summary(model), /pair \(Functional\) +│ \[\(None, 4\), \(None, 1\)\]/);
  assert.equal(model.getLayer("pair").layer, pair);
  const y = model.apply(weightsOf(model), tensor([[1, 2]]), new TestContext());
  assert(evaluateReference([y])[0].data.every(Number.isFinite));
  // @ts-expect-error the model has no such input
  assert.throws(() => connect({ left: x, rigth: x }, pair), /inputs are left, right: received/);
  // @ts-expect-error the model has two outputs
  assert.throws(() => connect({ left, right }, pair, dense(1)), /gives several outputs: .*wide/);
});

const x = input([3]);
const plain: Layer = dense(2);
const refused: [what: string, make: () => unknown, message: RegExp][] = [
  ["a list for a layer", () => connect([x, x] as never, plain), /it takes one node: .*list of 2/],
  [
    "a node for a merge",
    () => connect(x as never, addLayer() as never),
    /takes a list of nodes: .*one node/,
  ],
  ["a tensor for a node", () => connect(tensor([1]) as never, plain), /takes one node/],
  ["nothing for a layer", () => connect(x, undefined!), /a layer or a model: received undefined/],
  [
    "an input that is not listed",
    () => functional({ inputs: { a: input([2]) }, outputs: connect(x, plain) }),
    /depend on an input of shape \[3\] that is not among its inputs \(a\): add it/,
  ],
  ["no outputs", () => functional({ inputs: x, outputs: {} }), /needs outputs: received none/],
  ["no node", () => functional({ inputs: x, outputs: { y: 3 as never } }), /received number as y/],
  [
    "an output for an input",
    () => functional({ inputs: connect(x, plain) as never, outputs: connect(x, plain) }),
    /inputs must be made by input\(shape\)/,
  ],
  [
    "one input twice",
    () => functional({ inputs: { a: x, b: x }, outputs: connect(x, plain) }),
    /one input stands under two names/,
  ],
  [
    "a name that breaks names of weights",
    () => functional({ inputs: { "a/b": x }, outputs: connect(x, plain) }),
    /names of inputs are made of letters/,
  ],
  [
    "two layers of one name",
    () =>
      functional({
        inputs: x,
        outputs: connect(x, dense(2, { name: "a" }), dense(2, { name: "a" })),
      }),
    /two layers "a"/,
  ],
  [
    "shapes that do not merge",
    () => functional({ inputs: x, outputs: connect([x, connect(x, dense(2))], addLayer()) }),
    /^ShapeError: add_1: .*\[3\] and \[2\]/,
  ],
];
for (const [what, make, message] of refused) {
  Deno.test(`a graph refuses ${what}`, () => {
    assert.throws(make, (error: Error) => {
      assert.match(`${error.name}: ${error.message}`, message);
      return true;
    });
  });
}

Deno.test("weights are copied by name, by order, and without those that do not fit", async () => {
  const make = (classes: number, seed: number, name = "body") =>
    sequential([input([3]), dense(4, { name }), dense(classes, { name: "head" })], { seed });
  const from = make(2, 1);
  const to = make(5, 2);
  await assert.rejects(
    copyWeights(from, to),
    /shape of head\/kernel is \[4, 5\]: received \[4, 2\] .*skipMismatch/,
  );
  assert.notDeepEqual(to.parameters[0].value, from.parameters[0].value, "none was copied");
  const head = to.parameters[2].value.slice();
  const body = ["body/kernel", "body/bias"];
  assert.deepEqual(await copyWeights(from, to, { skipMismatch: true }), body);
  assert.deepEqual(to.parameters[0].value, from.parameters[0].value);
  assert.deepEqual(to.parameters[2].value, head);
  const renamed = make(2, 3, "trunk");
  assert.deepEqual((await copyWeights(from, renamed)).length, 2);
  await copyWeights(from, renamed, { by: "order" });
  renamed.parameters.forEach(({ value }, place) =>
    assert.deepEqual(value, from.parameters[place].value)
  );
  const other = sequential([input([3]), dense(1, { name: "alone" })]);
  await assert.rejects(copyWeights(from, other), /no name is in both models: .*body\/kernel/);
  await assert.rejects(copyWeights(from, other, { by: "order" }), /received 4 .* for 2/);
  await assert.rejects(copyWeights(from, to, { by: "size" as "name" }), /received "size"/);

  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/w.safetensors`;
    await saveWeights(from, path);
    const third = make(5, 4);
    await assert.rejects(loadWeights(third, path), /head\/kernel" does not fit/);
    assert.deepEqual(await loadWeights(third, path, { skipMismatch: true }), body);
    assert.deepEqual(third.parameters[1].value, from.parameters[1].value);
    // A model within a model is saved under its own name.
    const nested = sequential([make(2, 5), dense(1)], { name: "outer" });
    await saveWeights(nested, path);
    const again = sequential([make(2, 6), dense(1)], { name: "outer", seed: 8 });
    assert.equal((await loadWeights(again, path)).length, 6);
    again.parameters.forEach(({ value }, place) =>
      assert.deepEqual(value, nested.parameters[place].value)
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
