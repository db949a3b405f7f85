/** Systems of several networks against PyTorch: a critic with a penalty, a slow copy, few codes. */
import assert from "node:assert/strict";
import { filter, lastValueFrom, map, merge, type Observable, share, tap, toArray } from "rxjs";
import golden from "../golden/generative.json" with { type: "json" };
import {
  activation,
  adam,
  type AnyModel,
  type AnyUpdated,
  arrays,
  backward,
  batchNormalization,
  checkpoint,
  connect,
  dense,
  type DeviceOptions,
  epochs,
  forward,
  frozen,
  functional,
  gather,
  gradients,
  input,
  loss,
  meanSquaredError,
  mergeLambda,
  type MergeLayer,
  miniBatches,
  type MiniBatchesOptions,
  type Model,
  oneHot,
  sequential,
  stopGradient,
  type Tensor,
  update,
  updateTarget,
} from "../../mod.ts";
import { assertClose } from "../core/nn/close.ts";
import { inFolder } from "../core/stream/fake_epoch.ts";
import { testOnDevices } from "../devices.ts";
import { devicesOf } from "./devices.ts";

const { batchSize, wgan, byol, vqvae } = golden;
type Recorded = { shape: number[]; data: number[] };
type Weights = Readonly<Record<string, Recorded>>;
const cpu = { device: "cpu", threads: 1 } as const;

const rows = ({ shape, data }: Recorded) => ({ shape, data: Float32Array.from(data) });
// Keras adds epsilon before it corrects the averages, PyTorch after: here it counts for nothing.
const learning = (learningRate: number) => adam({ learningRate, epsilon: 1e-12 });
const settings = (options: MiniBatchesOptions) => ({
  batchSize,
  epochs: golden.epochs,
  shuffle: false,
  ...options,
});

function given<Given extends AnyModel>(model: Given, weights: Weights): Given {
  for (const [name, { data }] of Object.entries(weights)) model.weights.get(name)?.set(data);
  return model;
}

function network([inputs, units, outputs]: number[], weights: Weights): Model {
  const layers = [dense(units, { activation: "tanh" }), dense(outputs)];
  return given(sequential([input([inputs]), ...layers]), weights);
}

function compare(model: AnyModel, expected: Weights): void {
  for (const [name, parameter] of model.weights) {
    assertClose(parameter.value, expected[name].data, 2e-5, name);
  }
}

type Values = Readonly<Record<string, number>>;
type Step = { values(): Promise<Values> };

async function compareLogs(logs: readonly Promise<Values>[], expected: readonly unknown[]) {
  for (const [place, values] of logs.entries()) {
    const found = await values;
    for (const [name, value] of Object.entries(expected[place] as Values)) {
      assertClose([found[name]], [value], 2e-5, `${name} of step ${place + 1}`);
    }
  }
}

/** The values of all steps of a run. */
async function logsOf(steps: Observable<Step>): Promise<Promise<Values>[]> {
  return await lastValueFrom(steps.pipe(map((step) => step.values()), toArray()));
}

/** A test on all devices but a GPU, whose software adapter takes long to compile. */
async function onProcessors(title: string, body: (options: DeviceOptions) => Promise<void>) {
  for (const { name, options } of await devicesOf("reference", "cpu")) {
    Deno.test(`${title} [${name}]`, () => body(options));
  }
}

/** What a critic makes of points between made and real ones is to have a slope of length 1. */
function adversaries(options: MiniBatchesOptions) {
  const generator = network([3, 6, 2], wgan.given.generator);
  const critic = network([2, 6, 1], wgan.given.critic);
  const [noise, real, part] = [input([3]), input([2]), input([1])];
  const fake = connect(noise, frozen(generator));
  const mixed = connect(
    [real, fake, part],
    mergeLambda(([real, fake, part]) => part.mul(real).add(part.neg().add(1).mul(fake))),
  );
  const judge = functional({
    inputs: { noise, real, share: part },
    outputs: {
      fake: connect(fake, critic),
      real: connect(real, critic),
      mixed,
      judged: connect(mixed, critic),
    },
  });
  const seeds = input([3]);
  const deceive = functional({
    inputs: { noise: seeds },
    outputs: connect(seeds, generator, frozen(critic)),
  });
  const parts = [wgan.given.noise, wgan.given.real, wgan.given.share].map(rows);
  const data = arrays({ noise: parts[0], real: parts[1], share: parts[2] });
  const logs: Promise<Values>[] = [];
  const critics = miniBatches(data, settings(options)).pipe(
    forward(judge),
    loss(({ outputs: { fake, real, mixed, judged } }) => {
      const [slope] = gradients(judged, [mixed]);
      const length = slope.square().sum(-1).sqrt();
      return { gap: fake.sub(real), penalty: length.sub(1).square() };
    }, { name: "critic", lossWeights: { penalty: 10 } }),
    backward(),
    update(learning(0.03)),
    tap((step) => void logs.push(step.values())),
    share(),
  );
  // A branch of its own, which learns at every second step.
  const makers = critics.pipe(
    filter(({ step }) => step % 2 === 0),
    forward(deceive),
    loss(({ outputs }) => outputs.neg(), { name: "generator" }),
    backward(),
    update(learning(0.02)),
  );
  return { generator, critic, steps: merge(critics, makers), logs };
}

testOnDevices("a critic with a gradient penalty learns as in PyTorch", async (options) => {
  const { generator, critic, steps, logs } = adversaries(options);
  await lastValueFrom(steps);
  await compareLogs(logs, wgan.losses);
  const names = Object.keys(await logs[1]).filter((name) => !name.startsWith("learning_rate"));
  assert.deepEqual(names, ["critic", "gap_critic", "penalty_critic", "generator"]);
  compare(generator, wgan.final.generator);
  compare(critic, wgan.final.critic);
});

/** How far rows point apart, 0 to 4. */
function far(one: Tensor, other: Tensor): Tensor {
  const length = (x: Tensor) => x.square().sum(-1).sqrt();
  return one.mul(other).sum(-1).div(length(one).mul(length(other))).mul(-2).add(2);
}

/** An encoder that tells what a slow copy of it says of another view. */
function views(options: MiniBatchesOptions) {
  const encoder = () =>
    given(
      sequential([
        input([4]),
        dense(6, { useBias: false }),
        batchNormalization({ momentum: 0.9 }),
        activation("tanh"),
        dense(3),
      ]),
      byol.given.online,
    );
  const [online, target] = [encoder(), encoder()];
  const predictor = network([3, 5, 3], byol.given.predictor);
  const [one, other] = [input([4]), input([4])];
  const model = functional({
    inputs: { one, other },
    outputs: {
      one: connect(one, online, predictor),
      other: connect(other, online, predictor),
      ofOther: connect(other, frozen(target)),
      ofOne: connect(one, frozen(target)),
    },
  });
  const data = arrays({ one: rows(byol.given.one), other: rows(byol.given.other) });
  const steps = miniBatches(data, settings(options)).pipe(
    forward(model),
    loss(({ outputs: { one, other, ofOther, ofOne } }) => far(one, ofOther).add(far(other, ofOne))),
    backward(),
    update(learning(0.02)),
    updateTarget(online, target, { momentum: byol.given.momentum }),
  );
  return { online, target, predictor, model, data, steps };
}

onProcessors("a slow copy of an encoder follows it as in PyTorch", async (options) => {
  const { online, target, predictor, steps } = views(options);
  await compareLogs(await logsOf(steps), byol.losses);
  compare(online, byol.final.online);
  compare(predictor, byol.final.predictor);
  compare(target, byol.final.target);
});

/** Rows of three numbers as the nearest of some codes, which are moving averages of such rows. */
const nearestCode: MergeLayer<{ coded: Tensor; nearest: Tensor }> = {
  merges: true,
  type: "NearestCode",
  name: "codes",
  outputNames: ["coded", "nearest"],
  init: ([shape]) => ({
    outputShape: { coded: shape, nearest: shape },
    parameters: [["codes", [5, 3]], ["count", [5]], ["total", [5, 3]]].map(([name, shape]) => ({
      name: name as string,
      shape: shape as number[],
      values: name === "count"
        ? new Float32Array(5).fill(1)
        : Float32Array.from(vqvae.given.codes.data),
      trainable: false,
    })),
  }),
  apply({ codes, count, total }, [x], { training, assign }) {
    const rows = x.reshape([-1, 3]);
    const apart = rows.reshape([-1, 1, 3]).sub(codes).square().sum(-1);
    const id = apart.mul(-1).argMax();
    if (training) {
      const own = oneHot(id, 5);
      const average = (old: Tensor, now: Tensor) => old.mul(0.9).add(now.mul(0.1));
      const counts = average(count, own.sum(0));
      const totals = average(total, own.transpose().matmul(rows));
      assign("count", counts);
      assign("total", totals);
      assign("codes", totals.div(counts.reshape([5, 1])));
    }
    const nearest = gather(codes, id).reshape(x.shape);
    return { coded: x.add(stopGradient(nearest.sub(x))), nearest };
  },
};

/** An autoencoder whose middle is two codes. */
function coder(options: MiniBatchesOptions) {
  const encoder = network([6, 7, 6], vqvae.given.encoder);
  const decoder = network([6, 7, 6], vqvae.given.decoder);
  const x = input([6]);
  const code = connect(x, encoder);
  const { coded, nearest } = connect([code], nearestCode);
  const model = functional({
    inputs: { x },
    outputs: { code, nearest, made: connect(coded, decoder) },
  });
  const data = arrays({ x: rows(vqvae.given.x) });
  const steps = miniBatches(data, settings(options)).pipe(
    forward(model),
    loss(({ x, outputs: { code, nearest, made } }) => ({
      error: meanSquaredError().apply(x.x, made),
      commitment: code.sub(stopGradient(nearest)).square().mean(-1),
    }), { lossWeights: { commitment: 0.25 } }),
    backward(),
    update(learning(0.02)),
  );
  return { encoder, decoder, model, data, steps };
}

testOnDevices(
  "slopes go straight through codes that are averages as in PyTorch",
  async (options) => {
    const { encoder, decoder, model, steps } = coder(options);
    await compareLogs(await logsOf(steps), vqvae.losses);
    compare(encoder, vqvae.final.encoder);
    compare(decoder, vqvae.final.decoder);
    assertClose(model.weights.get("codes/codes")!.value, vqvae.final.codes.data, 2e-5, "codes");
  },
);

for (const [name, system] of Object.entries({ adversaries, views, coder })) {
  Deno.test(`${name} go on to the same bits, and the file holds every network`, () =>
    inFolder(async (folder) => {
      const run = async (last: number, resume?: string) => {
        const made = system({ ...cpu, epochs: last, shuffle: true, seed: 3, resume });
        const steps = made.steps as Observable<AnyUpdated>;
        const path = `${folder}/networks.safetensors`;
        const ended = steps.pipe(epochs(), checkpoint(path, { save: "last" }));
        const { logs } = await lastValueFrom(ended);
        const networks = Object.values(made).filter((part): part is Model => "parameters" in part);
        const weights = networks.flatMap(({ parameters }) =>
          parameters.map(({ value }) => [...value])
        );
        return { logs, weights };
      };
      const whole = await run(4);
      await run(2);
      assert.deepEqual(await run(4, `${folder}/networks.safetensors`), whole);
    }));
}
