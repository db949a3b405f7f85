// Operators in odd places, where the compiler did not see it: the message says where they belong.
import assert from "node:assert/strict";
import { lastValueFrom, type Observable, of } from "rxjs";
import {
  accumulateGradients,
  accuracy,
  arrays,
  backward,
  checkpoint,
  clipGradients,
  csvLog,
  dense,
  dropoutSchedule,
  earlyStopping,
  epochs,
  evaluate,
  explain,
  exponentialMovingAverage,
  findLearningRate,
  forward,
  freeze,
  gradientNoise,
  gradientNorms,
  history,
  hyperparameter,
  input,
  jsonLines,
  learningRateSchedule,
  loss,
  lossScaling,
  measure,
  miniBatches,
  profile,
  progressBar,
  reduceOnPlateau,
  remoteMonitor,
  saliency,
  sequential,
  sgd,
  sparseCategoricalCrossentropy,
  stochasticWeightAveraging,
  throughput,
  update,
} from "../../../mod.ts";

// What a pipe of ten operators is typed as, or a program in JavaScript.
// deno-lint-ignore no-explicit-any
type Any = any;

const angles = Array.from({ length: 16 }, (_, at) => at);
const data = arrays(
  angles.map((angle) => [Math.cos(angle), Math.sin(angle)]),
  angles.map((angle) => angle % 2),
  { classes: 2 },
);
const crossentropy = sparseCategoricalCrossentropy({ fromLogits: true });
const output = { writeSync: (bytes: Uint8Array) => bytes.length, isTerminal: () => true };

/** Runs a pipe of these operators. */
function run(...operators: Any[]): Promise<unknown> {
  const batches: Any = miniBatches(data, { batchSize: 8, device: "cpu", threads: 1 });
  return lastValueFrom(
    operators.reduce((stream: Observable<unknown>, operator) => stream.pipe(operator), batches),
  );
}

const rate = () => hyperparameter(0.1);
const model = () => sequential([input([2]), dense(2)], { seed: 1 });
const [f, l, b, u] = [
  () => forward(model()),
  () => loss(crossentropy),
  backward,
  () => update(sgd()),
];

/** Pipes in an odd order, and what the message says of them. */
const odd: Record<string, [operators: () => Any[], message: RegExp]> = {
  "measure before forward": [
    () => [measure(accuracy()), f()],
    /^Cannot use measure here as it takes what forward gives: received what miniBatches gives \(a pipe goes miniBatches, forward, loss, backward, update, epochs\)$/,
  ],
  "loss before forward": [() => [l()], /loss here as it takes what forward gives/],
  "backward before loss": [() => [f(), b()], /takes what loss gives: received what forward gives/],
  "backward twice": [
    () => [f(), l(), b(), clipGradients({ norm: 1 }), b(), u()],
    /^Cannot use backward here as the gradients of this loss have been made above: remove one of /,
  ],
  "backward below update": [() => [f(), l(), b(), u(), b()], /^Cannot use backward here as the gr/],
  "backward below lossScaling": [() => [f(), l(), lossScaling(), b(), u()], /^Cannot use backward/],
  "lossScaling below backward": [() => [f(), l(), b(), lossScaling(), u()], /^Cannot use lossScal/],
  "lossScaling before loss": [() => [f(), lossScaling()], /lossScaling here as it takes what loss/],
  "update before backward": [
    () => [f(), l(), u()],
    /takes what backward gives: received what loss/,
  ],
  "clipGradients before backward": [
    () => [f(), l(), clipGradients({ norm: 1 })],
    /clipGradients here as it takes what backward gives/,
  ],
  "gradientNorms before backward": [() => [f(), l(), gradientNorms()], /takes what backward gives/],
  "epochs before update": [() => [f(), l(), b(), epochs()], /epochs here as it takes what update/],
  "epochs on batches": [() => [epochs()], /received what miniBatches gives/],
  "epochs twice": [() => [f(), l(), b(), u(), epochs(), epochs()], /received what epochs gives/],
  "measure on epochs": [
    () => [f(), l(), b(), u(), epochs(), measure(accuracy())],
    /measure here as it takes what forward gives: received what epochs gives/,
  ],
  "progressBar on epochs": [
    () => [f(), l(), b(), u(), epochs(), progressBar(output)],
    /progressBar here as it takes what miniBatches gives: received what epochs gives/,
  ],
  "earlyStopping on steps": [
    () => [f(), l(), b(), u(), earlyStopping()],
    /^Cannot use earlyStopping here as it takes what epochs gives: received what update gives \(a pipe goes miniBatches, forward, loss, backward, update, epochs\)$/,
  ],
  "explain on epochs": [
    () => [f(), l(), b(), u(), epochs(), explain(saliency())],
    /^Cannot use explain here as it takes what predictions gives: received what epochs gives \(predictions\(model, x\)\.pipe\(explain\(…\)\)\)$/,
  ],
  "explain on steps": [
    () => [f(), l(), b(), u(), explain(saliency())],
    /^Cannot use explain here as it takes what predictions gives: received what update gives/,
  ],
  "clipGradients below update": [
    () => [f(), l(), b(), u(), clipGradients({ norm: 1 }), epochs()],
    /^Cannot use clipGradients below update, which has used all of these gradients: put it between backward and update$/,
  ],
  "gradientNoise below update": [
    () => [f(), l(), b(), u(), gradientNoise(), epochs()],
    /^Cannot use gradientNoise below update/,
  ],
  "accumulateGradients below update": [
    () => [f(), l(), b(), u(), accumulateGradients(2), epochs()],
    /^Cannot use accumulateGradients below update/,
  ],
  "freeze below update": [
    () => [f(), l(), b(), u(), freeze(/dense/), epochs()],
    /^Cannot use freeze below update/,
  ],
};

const logFile = Deno.makeTempFileSync();
globalThis.addEventListener("unload", () => Deno.removeSync(logFile));

/** Operators on epochs, which steps are refused by. */
const onEpochs: Record<string, () => Any> = {
  csvLog: () => csvLog(logFile),
  dropoutSchedule: () => dropoutSchedule(rate(), () => 0.1),
  earlyStopping,
  history,
  learningRateSchedule: () => learningRateSchedule(rate(), () => 0.1),
  reduceOnPlateau: () => reduceOnPlateau(rate()),
  remoteMonitor: () => remoteMonitor("http://localhost:9", { fetch: () => assert.fail("sent") }),
  throughput,
};

/** Operators on steps, which epochs are refused by. */
const onSteps: Record<string, () => Any> = {
  exponentialMovingAverage,
  findLearningRate: () => findLearningRate(rate()),
  learningRateSchedule: () => learningRateSchedule(rate(), () => 0.1, { every: "step" }),
  profile: () => profile({ output }),
  stochasticWeightAveraging: () => stochasticWeightAveraging(rate(), { swaLearningRate: 0.1 }),
};

for (const [name, operator] of Object.entries(onEpochs)) {
  odd[`${name} on steps in the place of epochs`] = [
    () => [f(), l(), b(), u(), operator()],
    new RegExp(`^Cannot use ${name} here as it takes what epochs gives: received what update giv`),
  ];
}
for (const [name, operator] of Object.entries(onSteps)) {
  odd[`${name} on epochs in the place of steps`] = [
    () => [f(), l(), b(), u(), epochs(), operator()],
    new RegExp(`^Cannot use ${name} here as it takes what (update|miniBatches) gives: received w`),
  ];
}

for (const [name, [operators, message]] of Object.entries(odd)) {
  Deno.test(`${name} is refused on the error channel`, async () => {
    await assert.rejects(async () => await run(...operators()), (error: Error) => {
      assert.match(error.message, message);
      return true;
    });
  });
}

Deno.test("between two updates of parts of the weights gradients may be changed", async () => {
  const some = (only: RegExp) => update(sgd(), { only });
  const deep = sequential([input([2]), dense(4), dense(2)], { seed: 1 });
  const between = [some(/dense_1/), clipGradients({ norm: 1 }), some(/dense_2/)];
  await run(forward(deep), l(), b(), ...between, epochs());
});

/** What is no model, no loss …, and what the message says. */
const strange: [make: () => unknown, message: RegExp][] = [
  [() => forward(undefined as Any), /takes a model, such as sequential.*: received undefined$/],
  [() => forward(dense(3) as Any), /received a layer Dense$/],
  [
    () => forward(sequential as Any),
    /received the function sequential \(call it: sequential\(\)\)$/,
  ],
  [() => loss(undefined as Any), /a loss must be one, such as .*: received undefined$/],
  [() => loss("mse" as Any), /received "mse"$/],
  [
    () => loss(sparseCategoricalCrossentropy as Any),
    /\(call it: sparseCategoricalCrossentropy\(\)/,
  ],
  [() => update("adam" as Any), /takes an optimizer, such as sgd\(\): received "adam"$/],
  [() => update(sgd as Any), /received the function sgd \(call it: sgd\(\)\)$/],
  [
    () => miniBatches(undefined as Any),
    /a data set has inputs x and targets y: received undefined/,
  ],
  [() => miniBatches([[1, 2]] as Any), /received an array \(make one of arrays: arrays\(x, y\)\)$/],
];

Deno.test("what is no model, loss, optimizer or data set is refused by its own name", () => {
  for (const [make, message] of strange) {
    assert.throws(make, (error: Error) => {
      assert.match(error.message, message);
      return true;
    });
  }
});

Deno.test("what is no metric and no step is refused on the error channel, what is no data at once", async () => {
  const steps = () => [f(), l(), b(), u()];
  const cases: [operators: Any[], message: RegExp][] = [
    [[...steps(), measure(accuracy as Any), epochs()], /\(call it: accuracy\(\)\)$/],
    [
      [...steps(), measure("accuracy" as Any), epochs()],
      /such as accuracy\(\): received "accuracy"$/,
    ],
  ];
  for (const [operators, message] of cases) {
    await assert.rejects(run(...operators), (error: Error) => {
      assert.match(error.message, message);
      return true;
    });
  }
  for (const metrics of ["accuracy", 5] as Any[]) {
    const given = { loss: crossentropy, metrics, device: "cpu", threads: 1 } as const;
    await assert.rejects(
      evaluate(model(), data, given),
      /metrics must be a list, such as \[accura/,
    );
  }
  assert.throws(() => epochs({ validation: 5 as Any }), /inputs x and targets y: received number/);
  for (
    const operator of [
      forward(model()),
      epochs(),
      jsonLines(output),
      checkpoint("x"),
      explain(saliency()),
    ] as Any[]
  ) {
    await assert.rejects(lastValueFrom(of(1).pipe(operator)), /^TypeError: Cannot .*: received /);
  }
});
