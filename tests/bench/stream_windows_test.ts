import assert from "node:assert/strict";
import { Observable, tap } from "rxjs";
import { arrays, dense, input, meanSquaredError, openCpu, sequential, sgd } from "../../mod.ts";
import { openReference } from "../../core/cpu/reference_device.ts";
import type { Device } from "../../core/graph/device.ts";
import { openWebGpu } from "../../gpu/device.ts";
import { steps } from "../training/pipes.ts";
import { StreamWindows } from "./stream_windows.ts";

const devices: (() => Promise<Device | null>)[] = [
  () => Promise.resolve(openReference()),
  () => Promise.resolve(openCpu({ threads: 1 })),
  () => openWebGpu({ allowSoftware: true }),
];

Deno.test({
  name: "windows take just their steps on every device, whatever may be in flight",
  sanitizeOps: false, // A GPU gives back its memory a moment after its disposal.
  async fn() {
    const data = arrays([[1], [2], [3]], [[2], [4], [6]]);
    const endings: number[][] = [];
    for (const open of devices) {
      const device = await open();
      if (!device) continue;
      const model = sequential([input([1]), dense(1, { kernelInitializer: "zeros" })]);
      let taken = 0;
      const windows = new StreamWindows(device, (given) => {
        const options = { batchSize: 2, epochs: Infinity, seed: 1, device: given };
        return steps(model, data, sgd(), options, meanSquaredError()).pipe(tap(() => taken++));
      });
      const losses: number[] = [];
      for (const [first, count] of [[0, 1], [1, 9], [10, 300], [310, 2]]) {
        losses.push(await windows.run(first, count));
        await new Promise((resolve) => setTimeout(resolve, 30));
        assert.equal(taken, first + count);
      }
      endings.push(losses.map((loss) => Number(loss.toFixed(3))));
      windows.stop();
      await device.idle();
      device.dispose();
    }
    assert.ok(endings.length >= 2);
    for (const losses of endings) assert.deepEqual(losses, endings[0]);
    assert.ok(endings[0][3] < 0.1 * endings[0][0]);
  },
});

Deno.test("an error of the stream ends the window", async () => {
  const windows = new StreamWindows(
    openReference(),
    () => new Observable((subscriber) => subscriber.error(new Error("no kernel"))),
  );
  await assert.rejects(windows.run(0, 1), /no kernel/);
});
