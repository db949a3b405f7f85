/** A profile of real steps, on every device: what it says is true, and training does not notice. */
import assert from "node:assert/strict";
import { lastValueFrom } from "rxjs";
import { dense, type Device, input, profile, sequential, sgd } from "../../mod.ts";
import type { StepProfile } from "../../core/graph/profile.ts";
import { ceilingsOf } from "../../core/stream/profiles.ts";
import { summarize } from "../../core/stream/profile_summary.ts";
import type { TraceEvent } from "../../core/stream/profile_trace.ts";
import { FakeWriter, inFolder } from "../core/stream/fake_epoch.ts";
import { deviceTest } from "./devices.ts";
import { lossesOf, points, steps, weightsOf } from "./pipes.ts";

const relu = { activation: "relu" } as const;
const network = () => sequential([input([2]), dense(40, relu), dense(33, relu), dense(3)]);
/** Five steps an epoch, of which the last is not full. */
const data = points(150);
const options = { batchSize: 32, epochs: 6, seed: 4 };

/** Counts the programs that a device makes ready. */
function counted(device: Device): { device: Device; programs: () => number } {
  let programs = 0;
  const counting: Device = Object.create(device, {
    prepare: {
      value: (...given: Parameters<Device["prepare"]>) => {
        programs++;
        return device.prepare(...given);
      },
    },
  });
  return { device: new Proxy(counting, throughTo(device)), programs: () => programs };
}

/** Everything but `prepare` is the device's own, private fields included. */
function throughTo(device: Device): ProxyHandler<Device> {
  return {
    get: (target, name) => {
      if (name === "prepare") return target.prepare;
      const value = Reflect.get(device, name, device);
      return typeof value === "function" ? value.bind(device) : value;
    },
  };
}

await deviceTest("a profiled run has the same losses, weights and plans", async (device) => {
  const runs = [];
  for (const profiled of [false, true]) {
    const model = network();
    const { device: counting, programs } = counted(device);
    const output = new FakeWriter();
    const pipe = steps(model, data, sgd({ momentum: 0.9 }), { ...options, device: counting });
    const whole = profiled ? pipe.pipe(profile({ warmUp: 7, steps: 12, output })) : pipe;
    const losses = await lossesOf(whole);
    runs.push({ losses, weights: await weightsOf(model), programs: programs() });
    assert.equal(output.text !== "", profiled);
  }
  assert.equal(runs[0].losses.length, 30);
  assert.deepEqual(runs[1], runs[0]);
});

/** Profiles of a window of steps, as an operator gets them. */
async function profilesOf(device: Device, window = 8): Promise<StepProfile[]> {
  const profiles: StepProfile[] = [];
  let count = 0;
  const pipe = steps(network(), data, sgd(), { ...options, dropRemainder: true, device });
  await pipe.forEach(({ frame }) => {
    if (++count > 6 && count <= 6 + window) {
      frame.profile((known) => void profiles.push(known!));
    }
  });
  assert.equal(profiles.length, window);
  // The last step of an epoch may have a plan of its own.
  const same = profiles.filter(({ kernels }) => kernels === profiles[0].kernels);
  assert.ok(same.length >= window / 2, "one plan and one list of kernels for most steps");
  return same;
}

await deviceTest("kernels are those of the plan, and their times add up", async (device) => {
  const profiles = await profilesOf(device);
  const [{ kernels }] = profiles;
  const products = kernels.filter(({ name }) => name.includes("matmul"));
  assert.equal(products.reduce((sum, { name }) => sum + name.split("matmul").length - 1, 0), 8);
  assert.ok(kernels.some(({ name }) => /matmul \[32,2\]×\[2,40\].*\(dense_1\b/.test(name)));
  // Products alone: forward and kernels' gradients of all layers, inputs' gradients of the last two.
  const flops = 2 * 32 * (2 * 2 * 40 + 3 * 40 * 33 + 3 * 33 * 3);
  const all = kernels.reduce((sum, kernel) => sum + kernel.flops, 0);
  assert.ok(all > flops && all < 1.3 * flops, `${all} operations for ${flops} of products`);
  assert.ok(kernels.every(({ bytes }) => bytes > 0));
  for (const { spans, lanes, milliseconds } of profiles) {
    assert.ok(milliseconds > 0);
    for (let lane = 0; lane < lanes.length; lane++) {
      const row = spans.filter((span) => span.lane === lane);
      const known = new Set(row.map(({ kernel }) => kernel).filter((kernel) => kernel >= 0));
      assert.equal(known.size, kernels.length, "every kernel");
      let end = -Infinity;
      for (const span of row) {
        assert.ok(span.start >= end - 1e-6 && span.end >= span.start, "one after the other");
        end = span.end;
      }
      const inside = row.reduce((sum, span) => sum + span.end - span.start, 0);
      assert.ok(inside <= milliseconds * 1.02 + 0.005, `${inside} of ${milliseconds} ms`);
    }
  }
  const summary = summarize(profiles.map((profile, index) => ({ step: index + 1, profile })));
  const parts = summary.kernels.reduce((sum, { microseconds }) => sum + microseconds, 0) +
    summary.waiting + summary.dispatch + (summary.host ?? 0);
  assert.ok(Math.abs(parts - summary.step) < 1e-6 * summary.step);
  assert.equal(summary.host === null, device.type === "webgpu");
});

await deviceTest(
  "the trace has a row a thread, and kernels lie inside their step",
  async (device) => {
    await inFolder(async (folder) => {
      const trace = `${folder}/trace.json`;
      const pipe = steps(network(), data, sgd(), { ...options, device });
      const output = new FakeWriter();
      await lastValueFrom(pipe.pipe(profile({ warmUp: 5, steps: 10, output, trace })));
      const { traceEvents } = JSON.parse(await Deno.readTextFile(trace));
      const events: Required<TraceEvent>[] = traceEvents;
      const rows = events.filter(({ name }) => name === "thread_name");
      assert.equal(rows.length, device.type === "cpu" ? rows.length : 1);
      const timed = events.filter(({ ph }) => ph === "X");
      for (const { ts, dur } of timed) assert.ok(ts >= -1000 && dur >= 0 && Number.isFinite(dur));
      for (const { tid } of rows) {
        const row = timed.filter((event) => event.tid === tid);
        const wholes = row.filter(({ cat }) => cat === "step");
        for (const event of row.filter(({ cat }) => cat !== "step")) {
          const inside = wholes.filter(({ ts, dur }) =>
            event.ts >= ts - 1e-3 && event.ts + event.dur <= ts + dur + 1e-3
          );
          assert.ok(inside.length >= 1, `${event.name} lies in no step`);
        }
      }
      const first = timed.filter(({ name, tid }) => name === "step 6" && tid === 1);
      assert.equal(first.length, 1);
      const product = timed.find(({ name }) => name.includes("matmul [32,2]×[2,40]"))!;
      assert.ok(Number(product.args.flops) >= 2 * 32 * 2 * 40, "what a kernel has to do is shown");
    });
  },
);

await deviceTest("ceilings are measured once a process, and are of this world", async (device) => {
  const first = ceilingsOf(device);
  assert.equal(ceilingsOf(device), first);
  const { flops, bytes } = await first;
  assert.ok(flops > 1e7 && flops < 1e15, `${flops} operations a second`);
  assert.ok(bytes > 1e7 && bytes < 1e14, `${bytes} bytes a second`);
});
