import assert from "node:assert/strict";
import { from, lastValueFrom, tap } from "rxjs";
import { remoteMonitor, type RemoteMonitorOptions } from "../../../../core/stream/operators/mod.ts";
import { arrays, dense, fit, input, meanSquaredError, sequential, sgd } from "../../../../mod.ts";
import { captureErrors, fakeEpoch, fakeEpochs, FakeRun } from "../fake_epoch.ts";

interface Received {
  readonly path: string;
  readonly type: string | null;
  readonly token: string | null;
  readonly body: string;
}

/** What a server hears of the epochs, and what is said on stderr. */
async function sent(
  epochs: ReturnType<typeof fakeEpoch>[],
  options: RemoteMonitorOptions = {},
  status = 200,
  count = epochs.length,
): Promise<{ received: Received[]; said: string[] }> {
  const received: Received[] = [];
  const all = Promise.withResolvers<void>();
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    async (request) => {
      const { headers, url } = request;
      received.push({
        path: new URL(url).pathname,
        type: headers.get("content-type"),
        token: headers.get("x-token"),
        body: await request.text(),
      });
      if (received.length === count) all.resolve();
      return new Response("thanks", { status });
    },
  );
  const said = await captureErrors(async () => {
    const root = `http://127.0.0.1:${server.addr.port}`;
    await lastValueFrom(from(epochs).pipe(remoteMonitor(root, options)));
    await all.promise;
    await server.shutdown();
    // The answer to the last is judged a moment after it was sent.
    await new Promise((resolve) => setTimeout(resolve, 20));
  });
  return { received, said };
}

Deno.test("remoteMonitor posts a form with the logs of each epoch, in their order", async () => {
  const epochs = [fakeEpoch(1, { loss: 0.5 }), fakeEpoch(2, { loss: NaN }), fakeEpoch(3, {})];
  const { received, said } = await sent(epochs);
  assert.deepEqual(
    received.map(({ body }) => JSON.parse(new URLSearchParams(body).get("data")!)),
    [{ epoch: 1, loss: 0.5 }, { epoch: 2, loss: "NaN" }, { epoch: 3 }],
  );
  assert.equal(received[0].path, "/publish/epoch/end/");
  assert.match(received[0].type!, /^application\/x-www-form-urlencoded/);
  assert.deepEqual(said, []);
});

Deno.test("remoteMonitor sends nothing of a rehearsal", async () => {
  const rehearsal = Object.assign(new FakeRun(), { isRehearsal: true });
  const epochs = [fakeEpoch(1, { loss: 1 }, rehearsal), fakeEpoch(2, { loss: 2 })];
  const { received } = await sent(epochs, { sendAsJson: true }, 200, 1);
  assert.deepEqual(received.map(({ body }) => JSON.parse(body)), [{ epoch: 2, loss: 2 }]);
});

Deno.test("remoteMonitor sends JSON, headers and other paths and fields", async () => {
  const json = await sent([fakeEpoch(1, { loss: 1 })], {
    sendAsJson: true,
    headers: { "x-token": "secret" },
    path: "/hook",
  });
  assert.deepEqual(json.received, [{
    path: "/hook",
    type: "application/json",
    token: "secret",
    body: '{"epoch":1,"loss":1}',
  }]);
  const form = await sent([fakeEpoch(1, { loss: 1 })], { field: "logs" });
  assert.equal(form.received[0].body, "logs=%7B%22epoch%22%3A1%2C%22loss%22%3A1%7D");
});

Deno.test("a server that refuses is said on stderr, and training goes on", async () => {
  const { received, said } = await sent(fakeEpochs([1, 2]), {}, 503);
  assert.equal(received.length, 2);
  assert.equal(said.length, 2);
  assert.match(said[0], /^remoteMonitor: the epoch was not sent to http.*, as it answered 503/);
});

Deno.test("a server that is not there, or does not answer, is said on stderr", async () => {
  const failures: [RemoteMonitorOptions["fetch"], RegExp][] = [
    [() => Promise.reject(new TypeError("connection refused")), /as connection refused$/],
    [
      (_, init) =>
        new Promise((_, reject) => {
          const signal = (init as RequestInit).signal!;
          signal.addEventListener("abort", () => reject(signal.reason));
        }),
      /due to timeout$/,
    ],
  ];
  for (const [fetch, message] of failures) {
    const said = await captureErrors(async () => {
      const monitor = remoteMonitor("http://localhost:9", { fetch, timeout: 0.02 });
      await lastValueFrom(from(fakeEpochs([1])).pipe(monitor));
      await new Promise((resolve) => setTimeout(resolve, 60));
    });
    assert.equal(said.length, 1);
    assert.match(said[0], message);
  }
});

Deno.test("remoteMonitor makes training wait for a slow server, an epoch behind", async () => {
  const model = sequential([input([1]), dense(1)]);
  const happened: string[] = [];
  const fetch = async (_: unknown, init?: RequestInit) => {
    const { epoch } = JSON.parse(init!.body as string);
    await new Promise((resolve) => setTimeout(resolve, 30));
    happened.push(`epoch ${epoch} answered`);
    return new Response();
  };
  const training = fit(model, arrays([[1]], [[2]]), {
    epochs: 4,
    device: "cpu",
    threads: 1,
    optimizer: sgd(),
    loss: meanSquaredError(),
  });
  await lastValueFrom(training.pipe(
    tap(({ epoch }) => void happened.push(`epoch ${epoch} trained`)),
    remoteMonitor("http://localhost:9", { sendAsJson: true, fetch }),
  ));
  assert.deepEqual(happened, [
    "epoch 1 trained",
    "epoch 2 trained",
    ...["epoch 1 answered", "epoch 3 trained"],
    ...["epoch 2 answered", "epoch 4 trained"],
    "epoch 3 answered",
  ]);
  // What the last epoch sends is under way when the run ends.
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.equal(happened.at(-1), "epoch 4 answered");
});

Deno.test({
  name: "without permission remoteMonitor names the flag",
  permissions: { net: false },
  fn: async () => {
    const said = await captureErrors(async () => {
      await lastValueFrom(from(fakeEpochs([1])).pipe(remoteMonitor()));
      await new Promise((resolve) => setTimeout(resolve, 20));
    });
    assert.match(said[0], /run it again with --allow-net=localhost:9000$/);
  },
});

Deno.test("remoteMonitor refuses what is no URL when it is made", () => {
  assert.throws(() => remoteMonitor("localhost"), /must be a URL such as/);
  assert.throws(
    () => remoteMonitor("http://localhost", { timeout: 0 }),
    /timeout of remoteMonitor/,
  );
});
