import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { concat, from, NEVER, of, take } from "rxjs";
import {
  choice,
  float,
  medianPruning,
  search,
  type SearchOptions,
  type Space,
  tpe,
  type Trial,
  when,
} from "../../../core/search/mod.ts";
import { inFolder } from "../stream/fake_epoch.ts";
import { all, losses } from "./helpers.ts";

const space = {
  x: float(-3, 3),
  kind: choice("plain", "deep"),
  depth: when({ kind: "deep" }, float(0, 1)),
};
type Parameters = { x: number; kind: string; depth?: number };
const lossesOf = ({ x, kind, depth = 2 }: Parameters) =>
  losses([9 + x * x, 2 + x * x, x * x + (kind === "deep" ? depth : 1)]);
const options: SearchOptions = {
  trials: 30,
  monitor: "loss",
  seed: 5,
  sampler: tpe(),
  pruner: medianPruning({ warmupEpochs: 1 }),
};
const timeless = (trials: readonly Trial<never>[]) =>
  trials.map(({ seconds: _, best: __, ...rest }) => rest);

Deno.test("a study goes on as if it had never stopped, to the same trials", () =>
  inFolder(async (folder) => {
    const whole = await all(search(space, (parameters) => from(lossesOf(parameters)), options));
    const storage = `${folder}/study.sqlite`;
    const run: number[] = [];
    let stopAfter = 0;
    // Stops in the middle of every fourth trial; the last time it comes to the end.
    for (let attempt = 0; attempt < 8; attempt++) {
      stopAfter += 4;
      const subscription = search(space, (parameters, { number }) => {
        run.push(number);
        const epochs = from(lossesOf(parameters));
        return number === stopAfter ? concat(epochs.pipe(take(1)), NEVER) : epochs;
      }, { ...options, storage }).subscribe();
      subscription.unsubscribe();
    }
    const expected = Array.from({ length: 30 }, (_, place) => place + 1)
      .flatMap((number) => number % 4 === 0 && number < 30 ? [number, number] : [number]);
    assert.deepEqual(run, expected);
    const again = await all(search(space, () => NEVER, { ...options, storage }));
    assert.deepEqual(timeless(again as never), timeless(whole as never));
    assert.deepEqual(again.map(({ best }) => best), whole.map(({ best }) => best));
    // A larger study goes on from there, with the file's own seed.
    const { seed: _, ...seedless } = options;
    const more = await all(search(space, (parameters) => from(lossesOf(parameters)), {
      ...seedless,
      trials: 35,
      storage,
    }));
    assert.equal(more.length, 35);
    const longer = { ...options, trials: 35 };
    const all35 = await all(search(space, (parameters) => from(lossesOf(parameters)), longer));
    assert.deepEqual(timeless(more as never), timeless(all35 as never));
  }));

Deno.test("the file holds each trial, its parameters and every epoch", () =>
  inFolder(async (folder) => {
    const storage = `${folder}/study.sqlite`;
    const logs = [{ loss: NaN, rate: Infinity }, { loss: 0.1 + 0.2, rate: -Infinity }];
    const epochs = () => from(logs.map((each, index) => ({ epoch: index + 1, logs: each })));
    const plain = { ...options, pruner: undefined, trials: 2, storage };
    const trials = await all(search(space, (_, { number }) => {
      if (number === 2) throw new Error("it's broken");
      return epochs();
    }, plain));
    const file = new DatabaseSync(storage, { readOnly: true });
    const rows = file.prepare("select number, state, value, error from trials").all();
    assert.deepEqual(rows.map((row) => ({ ...row })), [
      { number: 1, state: "complete", value: 0.1 + 0.2, error: null },
      { number: 2, state: "failed", value: null, error: "it's broken" },
    ]);
    const values = file.prepare("select epoch, value, logs from epochs where trial = 1").all();
    assert.deepEqual(values.map((row) => ({ ...row })), [
      { epoch: 1, value: null, logs: '{"loss":"NaN","rate":"Infinity"}' },
      { epoch: 2, value: 0.1 + 0.2, logs: '{"loss":0.30000000000000004,"rate":"-Infinity"}' },
    ]);
    const parameters = file.prepare("select parameters from trials where number = 1").get()!;
    assert.deepEqual(JSON.parse(String(parameters.parameters)), trials[0].parameters);
    file.close();
    const again = await all(search(space, () => NEVER, plain));
    assert.deepEqual(again, trials);
    assert.deepEqual(again[0].epochs.map((epoch) => epoch.logs), logs);
  }));

Deno.test("a study of another space, log or seed is refused, and left as it was", () =>
  inFolder(async (folder) => {
    const storage = `${folder}/study.sqlite`;
    const objective = () => of({ epoch: 1, logs: { loss: 1, accuracy: 1 } });
    const run = (more: Partial<SearchOptions>, other: Space = space) =>
      all(search(other, objective, { ...options, trials: 3, storage, ...more }));
    const first = await run({});
    await assert.rejects(
      run({}, { ...space, x: float(-3, 4) }),
      /Cannot go on with the study ".*study.sqlite" as its space is another: .*give the same, or/,
    );
    await assert.rejects(run({ monitor: "accuracy" }), /its monitor is another: it has loss/);
    await assert.rejects(
      run({ mode: "max" }),
      /its direction is another: it has min, received max/,
    );
    await assert.rejects(run({ seed: 6 }), /its seed is another: it has 5, received 6/);
    assert.deepEqual(await run({}), first);
  }));

Deno.test("a file in use, of something else or of a later version is refused", () =>
  inFolder(async (folder) => {
    const run = (name: string) =>
      all(search(space, () => of(losses([1])[0]), {
        ...options,
        trials: 1,
        storage: `${folder}/${name}`,
      }));
    const busy = search(space, () => NEVER, { ...options, storage: `${folder}/busy` }).subscribe();
    await assert.rejects(
      run("busy"),
      /Cannot open the study ".*busy": another process, or another/,
    );
    busy.unsubscribe();
    await run("busy");

    Deno.writeTextFileSync(`${folder}/text`, "no tables here ".repeat(100));
    await assert.rejects(run("text"), /it is no SQLite file, give the name of a new one/);
    await assert.rejects(
      run("none/study"),
      /there is no folder ".*\/none\/": create it or name another/,
    );

    const other = new DatabaseSync(`${folder}/other`);
    other.exec("create table cats (name text)");
    other.close();
    await assert.rejects(run("other"), /it holds the tables of something else/);

    const later = new DatabaseSync(`${folder}/busy`);
    later.exec("pragma user_version = 2");
    later.close();
    await assert.rejects(run("busy"), /it has version 2, and this Millrace knows version 1/);
  }));

Deno.test("it needs permission for the file alone", () =>
  inFolder(async (folder) => {
    const storage = `${folder}/study.sqlite`;
    const child = async (...flags: string[]) => {
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "--no-prompt", "--quiet", "--no-check", ...flags]
          .concat(new URL("kill_child.ts", import.meta.url).pathname, storage, "3", "0"),
        stdin: "null",
      }).output();
      const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
      return { code, stdout: text(stdout), stderr: text(stderr) };
    };
    const refused = await child();
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /Cannot open the study ".*": Requires read access/);
    const given = await child(`--allow-read=${storage}`, `--allow-write=${storage}`);
    assert.equal(given.code, 0, given.stderr);
    assert.match(given.stdout, /end 3/);
  }));
