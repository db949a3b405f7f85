import { Observable, type Subscriber } from "rxjs";
import type { MonoTypeOperatorFunction } from "../../nn/rxjs_types.ts";
import { checkScalar } from "../../nn/check_scalar.ts";
import { writeFileAtomic } from "../../state/atomic_write.ts";
import { encodeSafetensors, type SafetensorsTensor } from "../../state/safetensors.ts";
import type { Epoch, RunControl } from "../epoch.ts";
import { follow } from "./follow.ts";
import { jsonText } from "./json_text.ts";
import { Monitor, monitorDirection, type MonitorMode } from "./monitor.ts";

/** Options of {@link checkpoint}. */
export interface CheckpointOptions {
  /** Name of the log that tells which epoch is best; default `"val_loss"`. */
  readonly monitor?: string;
  /** Where better is; default `"auto"`. */
  readonly mode?: MonitorMode;
  /** Whether the best epoch is kept or the last one; default `"best"`. */
  readonly save?: "best" | "last";
  /** The first epoch must beat this to be saved, such as the best of an earlier run; default none. */
  readonly initialValueThreshold?: number;
}

/** Version of the file's metadata; a reader refuses a higher one. */
const formatVersion = 1;

/**
 * Saves the weights in a safetensors file by layer name, `dense_1/kernel`.
 *
 * The file is replaced whole or not at all, and training waits until it is on the disk. Its metadata
 * hold `format_version`, `epoch`, `step` and `logs`, a JSON text. If a save fails the old file stays
 * as it was and the error ends the run. The end is passed on when everything is saved.
 *
 * A run that is interrupted saves the weights as they are then, with `reason` in place of `step`
 * and `logs`: to `path`, unless that holds a best epoch, which is kept; then beside it, as
 * `digits.last.safetensors` for `digits.safetensors`.
 *
 * @param path The file's path. Needs `--allow-read` and `--allow-write` for its folder.
 * @param options What to save.
 * @returns An operator on epochs, which it passes on as they are.
 * @throws {RangeError} when an option is out of range, or the monitor's name does not tell its
 * direction.
 *
 * @example
 * ```ts
 * import { checkpoint, type Epoch } from "@millrace/millrace";
 * import { lastValueFrom, of } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const run = { weights: () => Promise.resolve(new Map()) };
 * const epoch = { epoch: 1, step: 9, logs: { val_loss: 0.5 }, run, hold: () => {} };
 * const saving = of(epoch as unknown as Epoch).pipe(checkpoint("no-such-folder/a.safetensors"));
 * await assert.rejects(lastValueFrom(saving), /no-such-folder/);
 * ```
 *
 * Source: Keras 3, `ModelCheckpoint`: only a strict improvement is saved, and every epoch is when
 * the monitored log is missing (here with one warning). `save: "best"` is `save_best_only=True`, and
 * is the default here. Keras writes over the old file in place, and has no word for interruption.
 */
export function checkpoint<E extends Epoch>(
  path: string,
  options: CheckpointOptions = {},
): MonoTypeOperatorFunction<E> {
  const rule = checkOptions(options);
  return (source) =>
    new Observable<E>((subscriber) => {
      const saver = new Saver(path, rule, subscriber);
      follow(source, subscriber, {
        run: (run) => saver.begin(run),
        next: (epoch) => {
          saver.take(epoch);
          subscriber.next(epoch);
        },
        complete: () => saver.finish(),
      });
    });
}

interface Rule {
  readonly monitor: string;
  readonly direction: "min" | "max";
  readonly save: "best" | "last";
  readonly threshold: number | undefined;
}

function checkOptions(options: CheckpointOptions): Rule {
  const { monitor = "val_loss", mode = "auto", save = "best" } = options;
  const { initialValueThreshold: threshold } = options;
  if (save !== "best" && save !== "last") {
    throw new RangeError(
      `Cannot use checkpoint as save must be "best" or "last": received ${JSON.stringify(save)}`,
    );
  }
  if (threshold !== undefined) checkScalar("initialValueThreshold of checkpoint", threshold);
  // The last epoch is saved whatever its logs are.
  const direction = save === "last" ? "min" : monitorDirection("checkpoint", monitor, mode);
  return { monitor, direction, save, threshold };
}

/** The state of one subscription. */
class Saver {
  readonly #monitor: Monitor;
  #best: number;
  /** Whether `path` holds weights better than those of an interrupted run. */
  #keepsBest: boolean;
  #run: RunControl | undefined;
  #epoch = 0;
  #saving: Promise<void> | undefined;

  constructor(
    private readonly path: string,
    private readonly rule: Rule,
    private readonly subscriber: Pick<Subscriber<never>, "error" | "complete">,
  ) {
    this.#monitor = new Monitor("checkpoint", rule.monitor, rule.direction);
    this.#best = rule.threshold ?? this.#monitor.worst;
    this.#keepsBest = rule.save === "best" && rule.threshold !== undefined;
  }

  begin(run: RunControl): void {
    this.#run = run;
  }

  take(epoch: Epoch): void {
    this.#epoch = epoch.epoch;
    if (!this.#wants(epoch)) return;
    this.#keepsBest = this.rule.save === "best";
    epoch.hold(this.#save(this.path, epoch.run, {
      epoch: String(epoch.epoch),
      step: String(epoch.step),
      logs: jsonText(epoch.logs),
    }));
  }

  finish(): void {
    if (this.#run?.reason === "interrupted") {
      const path = this.#keepsBest ? lastPath(this.path) : this.path;
      void this.#save(path, this.#run, { epoch: String(this.#epoch), reason: "interrupted" });
    }
    if (!this.#saving) this.subscriber.complete();
    else this.#saving.then(() => this.subscriber.complete(), () => {});
  }

  #wants(epoch: Epoch): boolean {
    if (this.rule.save === "last") return true;
    const current = this.#monitor.read(epoch, "every epoch is saved");
    if (current === undefined) return true;
    if (!this.#monitor.improves(current, this.#best)) return false;
    this.#best = current;
    return true;
  }

  #save(path: string, run: RunControl, metadata: Record<string, string>): Promise<void> {
    const saving = this.#write(path, run, metadata, this.#saving);
    this.#saving = saving;
    saving.then(
      () => {
        if (this.#saving === saving) this.#saving = undefined;
      },
      (error) => {
        run.reason = "error";
        // Also when the run is over and nobody waits for what the epoch holds.
        this.subscriber.error(error);
      },
    );
    return saving;
  }

  async #write(
    path: string,
    run: RunControl,
    metadata: Record<string, string>,
    before: Promise<void> | undefined,
  ): Promise<void> {
    // Asked for at once: the next step, or the end of the run, changes them.
    const [weights] = await Promise.all([run.weights(), before]);
    const tensors = new Map(
      [...weights].map(([name, { shape, data }]): [string, SafetensorsTensor] => [
        name,
        { dtype: "F32", shape, data },
      ]),
    );
    const bytes = encodeSafetensors(tensors, {
      format_version: String(formatVersion),
      ...metadata,
    });
    await writeFileAtomic(path, bytes);
  }
}

/** `digits.last.safetensors` for `digits.safetensors`. */
function lastPath(path: string): string {
  return path.replace(/(\.[^./\\]*)?$/, ".last$1");
}
