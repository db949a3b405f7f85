// A study that is killed at any moment goes on with no trial lost or repeated.
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { NEVER } from "rxjs";
import { float, medianPruning, search, tpe } from "../../../core/search/mod.ts";
import { RandomStream } from "../../../core/state/random_stream.ts";
import { inFolder } from "../stream/fake_epoch.ts";
import { all } from "./helpers.ts";

const trials = 60;
const child = new URL("kill_child.ts", import.meta.url).pathname;

/** When a child is killed: some milliseconds after so many trials have begun. */
type Moment = Readonly<{ begun: number; milliseconds: number }>;

/** Runs the child, and kills it at a moment if it is still there; its lines and whether it was. */
async function run(storage: string, pause: number, moment?: Moment) {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--no-prompt", "--quiet", `-R=${storage}`, `-W=${storage}`, child]
      .concat(storage, String(trials), String(pause)),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const kill = () => {
    try {
      process.kill("SIGKILL");
    } catch {
      // It has ended.
    }
  };
  let text = "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  const reading = (async () => {
    for await (const part of process.stdout.pipeThrough(new TextDecoderStream())) {
      text += part;
      if (!moment || timer !== undefined || text.split("begin").length <= moment.begun) continue;
      timer = setTimeout(kill, moment.milliseconds);
    }
  })();
  const stderr = process.stderr.text();
  const { code, signal } = await process.status;
  clearTimeout(timer);
  await reading;
  assert.ok(code === 0 || signal === "SIGKILL", await stderr);
  return { killed: signal === "SIGKILL", lines: text.split("\n").filter((line) => line !== "") };
}

const numbers = (lines: readonly string[], word: string) =>
  lines.filter((line) => line.startsWith(word)).map((line) => Number(line.split(" ")[1]));

Deno.test("no trial is lost or repeated when the process is killed at random", () =>
  inFolder(async (folder) => {
    const whole = `${folder}/whole.sqlite`;
    assert.equal((await run(whole, 0)).killed, false);
    const storage = `${folder}/study.sqlite`;
    const random = new RandomStream([20, 26]);
    const ended = new Set<number>();
    let [kills, begun] = [0, 0];
    for (let going = true; going;) {
      // An epoch takes a millisecond: a trial has to be cut in each of its parts sometime.
      const moment = { begun: random.uniform() * 12, milliseconds: random.uniform() * 6 };
      const { killed, lines } = await run(storage, 1, moment);
      const again = numbers(lines, "begin");
      // The trials that had ended come first, and none of them begins once more.
      for (const number of again) assert.ok(!ended.has(number), `${number} is run again`);
      assert.deepEqual([...new Set(again)], again);
      for (const number of numbers(lines, "end")) ended.add(number);
      begun += again.length;
      if (killed) kills++;
      going = killed;
    }
    assert.ok(kills >= 3, `${kills} kills`);
    assert.ok(begun <= trials + kills, `${begun} began, with ${kills} kills`);
    assert.deepEqual(
      [...ended].sort((a, b) => a - b),
      Array.from({ length: trials }, (_, i) => i + 1),
    );
    const rows = (path: string) => {
      const file = new DatabaseSync(path, { readOnly: true });
      const found = ["trials", "epochs"].map((table) =>
        file.prepare(`select * from ${table} order by 1, 2`).all()
          .map(({ seconds: _, ...row }) => row)
      );
      file.close();
      return found;
    };
    // As if it had never been killed: the same trials, with the same epochs.
    assert.deepEqual(rows(storage), rows(whole));
    const resumed = await all(search({ x: float(-3, 3), y: float(0, 1) }, () => NEVER, {
      trials,
      monitor: "loss",
      sampler: tpe(),
      pruner: medianPruning({ warmupEpochs: 1 }),
      storage,
    }));
    assert.equal(resumed.length, trials);
  }));
