import { concatMap, defer, from, type Observable } from "rxjs";
import type {
  EndReason,
  Epoch,
  RunControl,
  RunDescription,
  SavedFile,
  Snapshot,
} from "../../../core/stream/epoch.ts";
import type { KeptState } from "../../../core/stream/kept_state.ts";
import { type Hyperparameter, hyperparameter } from "../../../core/nn/hyperparameter.ts";
import { runListeners } from "../../../core/stream/run_listeners.ts";
import type { Run } from "../../../core/stream/run.ts";
import { encodeRun } from "../../../core/stream/saved_run.ts";
import { decodeState, encodeState } from "../../../core/stream/state_text.ts";
import { Updated } from "../../../core/stream/stages.ts";

/** The weights of a run, as `RunControl.weights` gives them. */
export type Weights = Awaited<ReturnType<RunControl["weights"]>>;

/** A copy that knows when it was made. */
export class FakeSnapshot implements Snapshot {
  disposed = false;
  constructor(readonly weight: number) {}
  dispose(): void {
    this.disposed = true;
  }
}

function none(): never {
  throw new Error("A fake run saves no copies of weights");
}

/** A hyperparameter that something listens to, as an optimizer of a run does. */
export function usedHyperparameter(value: number): Hyperparameter {
  const used = hyperparameter(value);
  used.subscribe();
  return used;
}

/** A run with one weight, which stands for all. */
export class FakeRun implements RunControl {
  reason: EndReason | undefined;
  explanation: string | undefined;
  announced = false;
  /** The weight; a test or a source changes it. */
  weight = 0;
  readonly snapshots: FakeSnapshot[] = [];
  readonly holds: Promise<unknown>[] = [];

  describe(): RunDescription {
    return {
      model: "mlp",
      parameters: 24790,
      device: { type: "cpu", name: "a processor", threads: 2 },
      seed: 42,
      samples: { train: 60000, validation: 10000 },
    };
  }

  snapshot(): FakeSnapshot {
    const snapshot = new FakeSnapshot(this.weight);
    this.snapshots.push(snapshot);
    return snapshot;
  }

  restore(snapshot: Snapshot): void {
    const { disposed, weight } = snapshot as FakeSnapshot;
    if (disposed) throw new Error("Cannot restore a snapshot that was disposed of");
    this.weight = weight;
  }

  weights(): Promise<Weights> {
    const data = Float32Array.of(this.weight, -1);
    return Promise.resolve(new Map([["dense_1/kernel", { shape: [2, 1], data }]]));
  }

  /** States of operators by name. */
  readonly kept = new Map<string, KeptState>();

  /** @param saved States that a resumed run begins with, by name, as files have them. */
  constructor(private readonly saved: Readonly<Record<string, string>> = {}) {}

  keep(kind: string, state: KeptState): string {
    this.kept.set(kind, state);
    if (this.saved[kind] !== undefined) state.restore(decodeState(this.saved[kind], none));
    return kind;
  }

  /** The states as a file has them: what a run may be resumed with. */
  get states(): Record<string, string> {
    return Object.fromEntries(
      [...this.kept].map((
        [name, state],
      ) => [
        name,
        encodeState(state.save(), (value): value is Snapshot => value instanceof FakeSnapshot).text,
      ]),
    );
  }

  /** As between two steps: the weights of now, and the next epoch waits. */
  save(
    metadata: Readonly<Record<string, string>>,
    write: (file: SavedFile) => Promise<void>,
  ): Promise<void> {
    const saving = this.weights().then((weights) =>
      write({ bytes: encodeRun({ weights }, metadata), complete: true })
    );
    this.holds.push(saving);
    return saving;
  }
}

/** The run as the source knows it: operators on epochs look at no more than a `FakeRun` has. */
export function asRun(run: FakeRun): Run {
  return run as unknown as Run;
}

/** An epoch of a run that steps ten times an epoch. */
export function fakeEpoch(
  epoch: number,
  logs: Record<string, number> = { loss: 1 / epoch, val_loss: 2 / epoch },
  run: FakeRun = new FakeRun(),
): Epoch {
  return {
    epoch,
    step: 10 * epoch,
    logs,
    seconds: 0.25,
    samplesPerSecond: 240000,
    run,
    hold: (promise) => void run.holds.push(promise),
  };
}

/** Epochs of one run, an epoch for each value of one log. */
export function fakeEpochs(
  values: readonly number[],
  name = "val_loss",
  run: FakeRun = new FakeRun(),
): Epoch[] {
  return values.map((value, index) => fakeEpoch(index + 1, { loss: 1, [name]: value }, run));
}

/** Epochs that wait for what they hold, as a run does; each sets the weight to its number. */
export function training(
  values: readonly number[],
  name?: string,
  run = new FakeRun(),
): Observable<Epoch> {
  return from(fakeEpochs(values, name, run)).pipe(
    concatMap(async (epoch) => {
      await Promise.all(run.holds);
      run.weight = epoch.epoch;
      return epoch;
    }),
  );
}

/** Events of a run that operators hear of before the first, as from the source of a pipe. */
export function runOf<Event>(run: FakeRun, events: readonly Event[]): Observable<Event> {
  return defer(() => {
    for (const listener of runListeners()) listener(asRun(run));
    return from(events);
  });
}

/** What a step may be told beyond its number. */
export interface FakeStepOptions {
  /** The run. */
  readonly run?: FakeRun;
  /** What `values()` gives. */
  readonly values?: Promise<Record<string, number>>;
  /** Steps in an epoch; default 10. */
  readonly stepsPerEpoch?: number;
}

/** A step, from 1, without tensors. */
export function fakeStep(step: number, options: FakeStepOptions = {}): Updated {
  const { run = new FakeRun(), values = Promise.resolve({ loss: 1 / step }) } = options;
  const { stepsPerEpoch = 10 } = options;
  const frame = {
    run,
    step,
    epoch: Math.ceil(step / stepsPerEpoch),
    stepInEpoch: (step - 1) % stepsPerEpoch + 1,
    stepsPerEpoch,
    samples: 32,
    values: () => values,
    hold: (promise: Promise<unknown>) => void run.holds.push(promise),
    afterwards: (action: () => void) => action(),
  };
  // The stages ask for tensors, which these operators never look at.
  return Object.create(Updated.prototype, { frame: { value: frame } });
}

/** A writer that keeps what is written, and takes at most `most` bytes at once. */
export class FakeWriter {
  /** All lines so far are in it. */
  text = "";
  /** Thrown by the next write. */
  failure: Error | undefined;
  readonly #decoder = new TextDecoder();

  constructor(private readonly most = Infinity, private readonly terminal = true) {}

  isTerminal(): boolean {
    return this.terminal;
  }

  writeSync(bytes: Uint8Array): number {
    if (this.failure) throw this.failure;
    const taken = bytes.subarray(0, this.most);
    this.text += this.#decoder.decode(taken, { stream: true });
    return taken.length;
  }

  /** The lines, parsed. */
  get events(): Record<string, unknown>[] {
    return this.text.trimEnd().split("\n").filter((line) => line !== "").map((line) =>
      JSON.parse(line)
    );
  }
}

/** What `action` says on stderr through `console.error`. */
export async function captureErrors(action: () => void | Promise<void>): Promise<string[]> {
  const original = console.error;
  const lines: string[] = [];
  console.error = (...parts: unknown[]) => void lines.push(parts.join(" "));
  try {
    await action();
  } finally {
    console.error = original;
  }
  return lines;
}

/** Runs a test in a folder of its own; gives what it gives. */
export async function inFolder<T>(test: (folder: string) => Promise<T>): Promise<T> {
  const folder = await Deno.makeTempDir();
  try {
    return await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** What is in a folder. */
export function names(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}
