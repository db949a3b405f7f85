/** Runs a program and tells its wall time, its peak memory and when its events came. */

/** A program that prints JSON lines with an `event` field. */
export interface TimedProgram {
  readonly name: string;
  readonly command: readonly string[];
  readonly environment?: Record<string, string>;
}

/** What one run of a program took. */
export interface ProcessTime {
  readonly seconds: number;
  /** Highest resident set, from /proc; null where there is none. */
  readonly peakMebibytes: number | null;
  /** Seconds from the request for the process to its first line of each event. */
  readonly firstEvents: Readonly<Record<string, number>>;
  /** The last `epoch` line. */
  readonly lastEpoch: Readonly<Record<string, unknown>> | null;
}

const POLL_MILLISECONDS = 5;

/** The high-water mark of a process's resident set in KiB; 0 if it cannot be read. */
function readPeak(id: number): number {
  try {
    const status = Deno.readTextFileSync(`/proc/${id}/status`);
    return Number(status.match(/^VmHWM:\s+(\d+) kB/m)?.[1] ?? 0);
  } catch {
    return 0; // the process has ended, or the system has no /proc
  }
}

/** Calls back with every line and the time at which it came. */
async function readLines(stream: ReadableStream<Uint8Array>, take: (line: string) => void) {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const bytes of stream) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop()!;
    lines.forEach(take);
  }
  if (rest !== "") take(rest);
}

/**
 * Runs a program to its end.
 *
 * @throws {Error} If it exits with another code than 0.
 */
export async function timeProcess(program: TimedProgram): Promise<ProcessTime> {
  const [file, ...args] = program.command;
  const options = { args, env: program.environment, stdout: "piped", stderr: "piped" } as const;
  const start = performance.now();
  const elapsed = () => (performance.now() - start) / 1000;
  const child = new Deno.Command(file, options).spawn();
  let peak = 0;
  const poll = setInterval(() => peak = Math.max(peak, readPeak(child.pid)), POLL_MILLISECONDS);
  const firstEvents: Record<string, number> = {};
  let lastEpoch: Record<string, unknown> | null = null;
  const lines = readLines(child.stdout, (line) => {
    const event = JSON.parse(line);
    firstEvents[event.event] ??= elapsed();
    if (event.event === "epoch") lastEpoch = event;
  });
  const complaints = new Response(child.stderr).text();
  const [{ code }] = await Promise.all([child.status, lines]);
  const seconds = elapsed();
  clearInterval(poll);
  if (code !== 0) {
    throw new Error(
      `${program.name} exited with ${code}: ${(await complaints).trim().slice(-600)}`,
    );
  }
  await complaints;
  return { seconds, peakMebibytes: peak ? peak / 1024 : null, firstEvents, lastEpoch };
}
