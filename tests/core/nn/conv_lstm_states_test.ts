/** Convolutional LSTMs that keep, take and give states, in models too. */
import assert from "node:assert/strict";
import { lastValueFrom, toArray } from "rxjs";
import * as nn from "../../../core/nn/mod.ts";
import { zeros } from "../../../core/ops/eager.ts";
import {
  bidirectional,
  concat,
  conv1d,
  convLstm1d,
  convLstm2d,
  convLstm3d,
  fit,
  input,
  sequential,
  slice,
  tensor,
} from "../../../mod.ts";
import { evaluateOn } from "../../devices.ts";
import { assertClose } from "./close.ts";
import { TestContext } from "./context.ts";

const key = nn.namedKey(3, "layer");

Deno.test("a film may come in parts, and both directions meet", async () => {
  const options = { padding: "same", returnSequences: true } as const;
  const film = Array.from({ length: 2 * 4 * 3 * 3 }, (_, at) => Math.sin(at * at));
  const x = tensor(film, { shape: [2, 4, 3, 3, 1] });
  const whole = convLstm2d(2, 3, options);
  const { parameters } = whole.init([4, 3, 3, 1], key);
  const weights = Object.fromEntries(
    parameters.map(({ name, shape, values }) => [name, tensor(values, { shape })]),
  );
  const halves = [0, 2].map((from) => slice(x, [0, from, 0, 0, 0], [2, from + 2, 3, 3, 1]));
  const carrying = convLstm2d(2, 3, { ...options, stateful: true, batchSize: 2 });
  const states = carrying.init([2, 3, 3, 1], key).parameters.find(({ state }) => state)!;
  assert.deepEqual([states.name, states.shape, states.trainable], ["states", [2, 3, 3, 4], false]);
  const context = new TestContext(true);
  const first = carrying.apply({ ...weights, states: zeros(states.shape) }, halves[0], context);
  const kept = context.assigned.get("states")!;
  const second = carrying.apply({ ...weights, states: kept }, halves[1], new TestContext(true));
  assert.throws(
    () =>
      carrying.apply(
        { ...weights, states: kept },
        slice(x, [0, 0, 0, 0, 0], [1, 2, 3, 3, 1]),
        context,
      ),
    /expected batches of 2 samples, its batchSize, as it is stateful, got 1/,
  );

  const both = bidirectional(convLstm2d(2, 3, { ...options, returnState: true }));
  const start = both.init([4, 3, 3, 1] as never, key);
  assert.deepEqual(start.outputShape.outputs, [4, 3, 3, 4]);
  assert.deepEqual(start.outputShape.backwardC, [3, 3, 2]);
  const twice = Object.fromEntries(
    start.parameters.map(({ name }) => [name, weights[name.replace(/^(for|back)ward_/, "")]]),
  );
  const met = both.apply(twice, [x], new TestContext(true));
  const back = convLstm2d(2, 3, { ...options, goBackwards: true });
  const turned = back.apply(weights, x, new TestContext(true));
  const sequence = whole.apply(weights, x, new TestContext(true));
  const [all, parts, outputs, backwardH, backwards] = await evaluateOn({
    device: "cpu",
    threads: 1,
  }, [
    sequence,
    concat([first, second], 1),
    met.outputs,
    met.backwardH,
    turned,
  ]);
  assertClose(parts, all, 1e-5);
  const size = 3 * 3 * 2;
  for (let sample = 0; sample < 2; sample++) {
    const last = (sample * 4 + 3) * size;
    assertClose(
      backwardH.slice(sample * size, (sample + 1) * size),
      backwards.slice(last, last + size),
      1e-5,
    );
    for (let step = 0; step < 4; step++) {
      const [there, here] = [(sample * 4 + step) * size, (sample * 4 + 3 - step) * size];
      for (let at = 0; at < size; at++) {
        const place = 2 * (there + at - at % 2) + at % 2;
        assertClose([outputs[place]], [all[there + at]], 1e-5, "forward");
        assertClose([outputs[place + 2]], [backwards[here + at]], 1e-5, "backward");
      }
    }
  }
});

Deno.test("models of convolutional LSTMs learn, go to JSON and back, and are frozen", async () => {
  const make = () => {
    const [seen, hours] = [input([3, 4, 1]), input([2, 4, 1])];
    const { h, c } = nn.connect(seen, convLstm1d(3, 3, { padding: "same", returnState: true }));
    const told = nn.connect([hours, h, c], convLstm1d(3, 3, { padding: "same" }), conv1d(1, 1));
    return nn.functional({ inputs: { seen, hours }, outputs: told, seed: 2 });
  };
  const model = make();
  const text = nn.modelToJson(model);
  assert.equal(nn.modelToJson(nn.modelFromJson(text)), text);
  const wave = (steps: number, seed: number) => ({
    data: Float32Array.from({ length: 32 * steps * 4 }, (_, at) => Math.sin(at * 0.7 + seed)),
    shape: [32, steps, 4, 1],
  });
  const y = { data: wave(1, 5).data, shape: [32, 4, 1] };
  const loss = nn.meanSquaredError();
  const optimizer = nn.adam({ learningRate: 0.02 });
  const run = fit(model, { x: { seen: wave(3, 1), hours: wave(2, 3) }, y }, {
    ...{ loss, optimizer, epochs: 30, device: "cpu", threads: 1 },
  });
  const losses = (await lastValueFrom(run.pipe(toArray()))).map(({ logs }) => logs.loss);
  assert(losses[29] < 0.5 * losses[0], `${losses[0]} to ${losses[29]}`);
  const film = sequential([input([2, 3, 3, 3, 1]), bidirectional(nn.frozen(convLstm3d(1, 2)))]);
  assert.deepEqual(film.outputShape, [2, 2, 2, 2]);
  assert.deepEqual(film.trainableParameters, []);
  const again = nn.modelToJson(film);
  assert.equal(nn.modelToJson(nn.modelFromJson(again)), again);
});
