/** What is refused, or fails, leaves no memory behind on a device that stays open, and no thread. */
import assert from "node:assert/strict";
import { lastValueFrom, tap } from "rxjs";
import type { Device } from "../../core/graph/device.ts";
import * as millrace from "../../mod.ts";
import { TestCpu } from "../core/cpu/test_cpu.ts";
import { repository } from "../pipelines/run_pipeline.ts";

// What a program in JavaScript may give.
// deno-lint-ignore no-explicit-any
type Any = any;
const m = millrace as Any;

const rows = Array.from({ length: 12 }, (_, at) => [Math.sin(at), Math.cos(3 * at)]);
const data = m.arrays(rows, rows.map(([a, b]) => [a - b]));
const labels = m.arrays(rows, rows.map((_, at) => at % 3), { classes: 3 });
const far = { ...labels, y: { data: Int32Array.of(...labels.y.data.with(5, 9)), shape: [12] } };
const network = (units = 1) => m.sequential([m.input([2]), m.dense(units)], { seed: 1 });
const mse = m.meanSquaredError();
const crossentropy = m.sparseCategoricalCrossentropy({ fromLogits: true });
const wide = { data: new Float64Array(24), shape: [12, 2] };
const short = { data: new Float32Array(23), shape: [12, 2] };

type Use = (device: Device, folder: string) => Promise<unknown>;

const train = (more: Any, dataSet: Any = data, model: Any = network()): Use => (device) =>
  lastValueFrom(
    m.fit(model, dataSet, { device, loss: mse, optimizer: m.sgd(), batchSize: 4, ...more }),
  );
const pipe = (operator: Any): Use => (device) =>
  lastValueFrom(
    m.miniBatches(data, { device, batchSize: 4, epochs: 3 }).pipe(
      m.forward(network()),
      m.loss(mse),
      m.backward(),
      m.update(m.adam()),
      operator,
      m.epochs({ validation: data }),
    ),
  );

const uses: Record<string, Use> = {
  "predict, inputs of another type": (device) =>
    m.predict(network(), { ...data, x: wide }, { device }),
  "predict, too few numbers": (device) => m.predict(network(), short, { device }),
  "predict, rows of another width": (device) => m.predict(network(), [[1, 2, 3]], { device }),
  "predictions, a failing operator": (device) =>
    lastValueFrom(
      m.predictions(network(), rows, { device, batchSize: 4 }).pipe(tap(() => assert.fail())),
    ),
  "predictions, a failing hold": (device) =>
    lastValueFrom(
      m.predictions(network(), rows, { device, batchSize: 4 }).pipe(
        tap((batch: Any) => batch.hold(Promise.reject(new Error("held")))),
      ),
    ),
  "openModel, no room": (device) => m.openModel(network(), { device, batchSize: 2 ** 29 }),
  "openModel, more than an array holds": (device) =>
    m.openModel(network(), { device, batchSize: 2 ** 52 }),
  "evaluate, inputs of another type": (device) =>
    m.evaluate(network(), { ...data, x: wide }, { device, loss: mse }),
  "evaluate, targets of another type": (device) =>
    m.evaluate(network(), { ...data, y: { ...wide, shape: [12, 2] } }, { device, loss: mse }),
  "evaluate, a label that is no class": (device) =>
    m.evaluate(network(3), far, { device, loss: crossentropy }),
  "evaluate, a loss that does not fit": (device) =>
    m.evaluate(network(4), data, { device, loss: mse }),
  "training, targets of another type": train({}, { ...data, y: wide }),
  "training, too few numbers": train({}, { ...data, x: short }),
  "training, a loss that does not fit": train({}, data, network(4)),
  "training, a label that is no class": train({ loss: crossentropy }, far, network(3)),
  "training, a loss that is NaN": train({ optimizer: m.sgd({ learningRate: 1e30 }), epochs: 9 }),
  "training, validation data that do not fit": train({ validation: m.arrays([[1]], [[1]]) }),
  "training, validation labels that are no class": train(
    { loss: crossentropy, validation: far },
    labels,
    network(3),
  ),
  "training, a file that is no checkpoint": async (device, folder) => {
    await Deno.writeTextFile(`${folder}/text`, "no checkpoint");
    await train({ resume: `${folder}/text` })(device, folder);
  },
  "training, a failing operator": pipe(tap(({ step }: Any) => assert.notEqual(step, 5))),
  "training, a failing hold": pipe(
    tap((step: Any) => step.step === 4 && step.hold(Promise.reject(new Error("held")))),
  ),
  "training, a read that fails": pipe(
    tap((step: Any) => step.hold(step.read(step.loss.sum(7)))),
  ),
  "streamed, a reader that fails": train(
    {},
    m.streamedDataSet({
      samples: 12,
      x: { shape: [2], type: "float32" },
      y: { shape: [1], type: "float32" },
      read: () => Promise.reject(new Error("unreadable")),
    }),
  ),
  "generate, a layer that sees all": (device) =>
    lastValueFrom(m.generate(
      m.sequential([
        m.input([4]),
        m.embedding(5, 3),
        m.lstm(3, { returnSequences: true, goBackwards: true }),
        m.dense(5),
      ]),
      [1],
      { device },
    )),
};

for (const [title, use] of Object.entries(uses)) {
  Deno.test(`nothing is left on the device by ${title}`, async () => {
    using device = new TestCpu(1);
    const folder = await Deno.makeTempDir();
    try {
      const attempt = async () => {
        await assert.rejects(async () => await use(device, folder));
        // A run that fails gives back what it had in the turns after its error.
        await new Promise((resolve) => setTimeout(resolve, 5));
        return device.memory.allocatedBytes;
      };
      // Kernels that were compiled stay for the next program.
      const before = await attempt();
      assert.deepEqual([await attempt(), await attempt()], [before, before]);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("a process ends by itself after uses that were refused: no thread is left", async () => {
  const program = `
    import { dense, input, openModel, predict, sequential } from "./mod.ts";
    const model = sequential([input([2]), dense(1)]);
    const cpu = { device: "cpu", threads: 2 };
    const refused = async (use) => {
      try {
        await use();
      } catch {
        console.log("refused");
      }
    };
    await refused(() =>
      predict(model, { x: { data: new Float64Array(60), shape: [30, 2] }, y: {} }, {
        ...cpu,
        batchSize: 1,
      })
    );
    await refused(() => openModel(model, { ...cpu, batchSize: 2 ** 29 }));
    await refused(() => openModel(model, { ...cpu, batchSize: 2 ** 52 }));
  `;
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-check", program],
    cwd: repository,
    stdin: "null",
    signal: AbortSignal.timeout(60_000),
  }).output();
  assert.deepEqual([code, new TextDecoder().decode(stdout)], [0, "refused\n".repeat(3)]);
});
