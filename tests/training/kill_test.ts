/** A run that is killed again and again, and resumed each time, equals one that was left alone. */
import assert from "node:assert/strict";
import { decodeSafetensors } from "../../mod.ts";
import { mulberry32 } from "../core/ops/generator.ts";
import { inFolder, names } from "../core/stream/fake_epoch.ts";
import { testDevices } from "../devices.ts";

/** When a process is killed. */
type Moment = "at any time" | "in a checkpoint write" | "in a validation";

const moments: readonly Moment[] = [
  "at any time",
  "in a checkpoint write",
  "in a validation",
];

type Line = Readonly<Record<string, unknown>> & { readonly event: string };

const child = new URL("kill_child.ts", import.meta.url).pathname;
const pause = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds));

/** The child, and what it has printed so far. */
class Child {
  readonly #process: Deno.ChildProcess;
  readonly #read: Promise<void>;
  readonly #stderr: Promise<string>;
  #text = "";
  #ended = false;

  constructor(private readonly folder: string, options: readonly string[]) {
    this.#process = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-check", "--no-prompt", "-A", child, ...options],
      cwd: folder,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#stderr = this.#process.stderr.text();
    this.#read = this.#readAll(this.#process.stdout);
  }

  async #readAll(stdout: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    for await (const text of stdout.pipeThrough(new TextDecoderStream())) this.#text += text;
    this.#ended = true;
  }

  /** The lines that are whole. */
  get lines(): Line[] {
    return this.#text.split("\n").slice(0, -1).map((line) => JSON.parse(line));
  }

  /** Waits for so many lines of a kind; false when the process has ended before. */
  async waitFor(event: string, count: number): Promise<boolean> {
    while (this.lines.filter((line) => line.event === event).length < count) {
      if (this.#ended) return false;
      await pause(1);
    }
    return true;
  }

  /** Looks for a temporary file without a pause, for a second at most. */
  spotWrite(): boolean {
    const until = performance.now() + 1000;
    while (performance.now() < until) if (temporary(this.folder).length > 0) return true;
    return false;
  }

  /** Ends it as nothing else does; false when it has come to its end. */
  async kill(): Promise<boolean> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    return (await this.end()).signal === "SIGKILL";
  }

  async end(): Promise<Deno.CommandStatus> {
    await this.#read;
    const [status, stderr] = [await this.#process.status, await this.#stderr];
    if (!status.success && status.signal === null) assert.fail(stderr);
    return status;
  }
}

function temporary(folder: string): string[] {
  return names(folder).filter((name) => name.includes(".tmp"));
}

/** A write that was killed before its first byte: it is removed when it is seconds old. */
function isYoung(path: string): boolean {
  return path.includes(".tmp-") && Deno.statSync(path).size === 0;
}

/** The epochs that processes have printed one after another: one that comes again is the same. */
function epochsOf(lines: readonly Line[]): Map<unknown, unknown> {
  const epochs = new Map<unknown, unknown>();
  for (const { event, seconds: _, samples_per_second: __, ...line } of lines) {
    if (event !== "epoch") continue;
    if (epochs.has(line.epoch)) assert.deepEqual(line, epochs.get(line.epoch), "a repeated epoch");
    epochs.set(line.epoch, line);
  }
  return epochs;
}

/** What a checkpoint holds, in whatever order. */
function contents(path: string) {
  const { tensors, metadata } = decodeSafetensors(Deno.readFileSync(path), path);
  const { states, ...run } = JSON.parse(metadata.run);
  const parsed = Object.entries(states).map(([name, text]) => [name, JSON.parse(`${text}`)]);
  return { tensors, run, states: Object.fromEntries(parsed), logs: metadata.logs };
}

/** Waits until the moment has come; false when the process has ended before. */
async function waitUntil(
  moment: Moment,
  process: Child,
  random: () => number,
  time: number,
): Promise<boolean> {
  if (!await process.waitFor("start", 1)) return false;
  switch (moment) {
    case "at any time":
      await pause(random() * time / 3);
      return true;
    case "in a checkpoint write":
      await pause(random() * time / 6);
      return process.spotWrite();
    case "in a validation": {
      const there = await process.waitFor("validation", 1 + Math.floor(3 * random()));
      await pause(random() * 15);
      return there;
    }
  }
}

async function killAndCompare(kills: number, options: (process: number) => string[], seed: number) {
  const random = mulberry32(seed);
  await inFolder(async (whole) => {
    const unbroken = new Child(whole, options(0));
    await unbroken.end();
    const end = unbroken.lines.at(-1)!;
    assert.equal(end.reason, "early_stopping");
    const expected = epochsOf(unbroken.lines);
    let killed = 0;
    let [written, missed, resumed] = [0, 0, false];
    // Should a run get to its end before its time, another one is begun.
    while (killed < kills) {
      await inFolder(async (folder) => {
        const lines: Line[] = [];
        let alive = true;
        for (let count = 1; alive; count++) {
          const process = new Child(folder, options(count));
          const moment = moments[killed % moments.length];
          const more = killed < kills &&
            await waitUntil(moment, process, random, 1000 * Number(end.seconds));
          if (more && await process.kill()) {
            const half = temporary(folder).length > 0;
            if (half) written++;
            // On a fast disk a write is over before the signal is there: one more, then.
            if (half || moment !== "in a checkpoint write" || ++missed > 6) killed++;
          } else {
            await process.end();
            alive = false;
          }
          lines.push(...process.lines);
          resumed ||= lines.some(({ resumed }) => resumed !== undefined);
        }
        assert.deepEqual(epochsOf(lines), expected);
        const { message, reason } = lines.at(-1)!;
        assert.deepEqual([reason, message], [end.reason, end.message]);
        for (const file of ["final.safetensors", "log.csv"]) {
          const [found, right] = [folder, whole].map((from) =>
            Deno.readFileSync(`${from}/${file}`)
          );
          assert.ok(found.every((byte, at) => byte === right[at]), file);
          assert.equal(found.length, right.length, file);
        }
        for (const file of ["best.safetensors", "best.last.safetensors", "step.safetensors"]) {
          assert.deepEqual(contents(`${folder}/${file}`), contents(`${whole}/${file}`), file);
        }
        // What killed processes were writing is gone, and everything else is there.
        assert.deepEqual(
          names(folder).filter((name) => !isYoung(`${folder}/${name}`)),
          names(whole),
        );
      });
    }
    assert.ok(resumed, "a run was resumed");
    assert.ok(written > 0, "a write was interrupted");
  });
}

// The start of a process on a software adapter takes seconds: once at each of the moments, there.
const plans = [
  { name: "cpu, by turns with 1 and 2 threads", kills: 10, device: "cpu", size: [128, 6000, 6] },
  { name: "webgpu", kills: moments.length, device: "webgpu", size: [16, 500, 4] },
];
const devices = (await testDevices()).map(({ name }) => name);

for (const { name, kills, device, size } of plans) {
  Deno.test({
    name: `killed ${kills} times and resumed, a run equals the unbroken one [${name}]`,
    // Windows has no signals.
    ignore: Deno.build.os === "windows" || !devices.some((other) => other.startsWith(device)),
    fn: () =>
      killAndCompare(kills, (process) => [device, `${1 + process % 2}`, ...size.map(String)], 17),
  });
}
