import assert from "node:assert/strict";

/** One line of a pipeline's stdout. */
export type Line = Readonly<Record<string, unknown>> & { readonly event: string };

/** How a pipeline ended, and what it said. */
export interface Outcome {
  /** The exit code. */
  readonly code: number;
  /** What it wrote for programs. */
  readonly stdout: string;
  /** What it wrote for people. */
  readonly stderr: string;
}

/** The root of the repository, where a user stands. */
export const repository = new URL("../../", import.meta.url);

/** What Deno is called with: no permission unless `flags` give one, and no question for one. */
export function denoArguments(
  pipeline: string,
  options: readonly string[],
  flags: readonly string[] = [],
): string[] {
  return ["run", "--no-prompt", "--quiet", ...flags, `pipelines/${pipeline}.ts`, ...options];
}

/** Runs a pipeline to its end. */
export async function runPipeline(
  pipeline: string,
  options: readonly string[],
  flags: readonly string[] = [],
): Promise<Outcome> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: denoArguments(pipeline, options, flags),
    cwd: repository,
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** Runs a pipeline that must succeed; its lines. */
export async function succeed(
  pipeline: string,
  options: readonly string[],
  flags: readonly string[] = [],
): Promise<Line[]> {
  const { code, stdout, stderr } = await runPipeline(pipeline, options, flags);
  assert.equal(code, 0, stderr);
  return linesOf(stdout);
}

/** The lines of a stdout, each of which must be one JSON text with the name of its event. */
export function linesOf(stdout: string): Line[] {
  assert(stdout.endsWith("\n"), `the last line has no end: ${stdout.slice(-80)}`);
  return stdout.slice(0, -1).split("\n").map((text) => {
    const line = JSON.parse(text);
    assert.equal(typeof line.event, "string", text);
    return line;
  });
}

/** The lines of one kind. */
export function only(lines: readonly Line[], event: string): Line[] {
  return lines.filter((line) => line.event === event);
}

/** The lines without what the clock says, which no two runs share. */
export function timeless(lines: readonly Line[]): Omit<Line, "event">[] {
  return lines.map(({ seconds: _, samples_per_second: __, ...rest }) => rest);
}

/** A pipeline under way, whose lines are read one by one. */
export class RunningPipeline implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #stderr: Promise<string>;
  #rest = "";

  /** Starts it. */
  constructor(pipeline: string, options: readonly string[], flags: readonly string[] = []) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: denoArguments(pipeline, options, flags),
      cwd: repository,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#lines = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    this.#stderr = this.#child.stderr.text();
  }

  /** Waits for the first line of a kind; all text up to it is passed over. */
  async waitFor(event: string): Promise<Line> {
    while (true) {
      const end = this.#rest.indexOf("\n");
      if (end >= 0) {
        const line: Line = JSON.parse(this.#rest.slice(0, end));
        this.#rest = this.#rest.slice(end + 1);
        if (line.event === event) return line;
        continue;
      }
      const { value, done } = await this.#lines.read();
      if (done) throw new Error(`There was no ${event} line: ${await this.#stderr}`);
      this.#rest += value;
    }
  }

  /** Sends a signal to this process, and to no other. */
  signal(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** Stops reading, as `head` does. */
  async closeStdout(): Promise<void> {
    await this.#lines.cancel();
  }

  /** Waits for the end; `stdout` is what had not been read. */
  async end(): Promise<Outcome> {
    while (true) {
      const { value, done } = await this.#lines.read();
      if (done) break;
      this.#rest += value;
    }
    const [{ code }, stderr] = await Promise.all([this.#child.status, this.#stderr]);
    return { code, stdout: this.#rest, stderr };
  }

  /** Ends it at once, if a test has failed before it did. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#lines.cancel();
    await Promise.all([this.#child.status, this.#stderr]);
  }
}
