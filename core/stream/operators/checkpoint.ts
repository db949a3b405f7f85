import { Observable } from "rxjs";
import { checkPath } from "../../state/check_path.ts";
import type { MonoTypeOperatorFunction } from "../../nn/rxjs_types.ts";
import type { Epoch } from "../epoch.ts";
import type { AnyBatch } from "../stages.ts";
import { type CheckpointOptions, checkpointRule } from "./checkpoint_rule.ts";
import { CheckpointSaver } from "./checkpoint_saver.ts";
import { follow } from "./follow.ts";

export type { CheckpointOptions };

/**
 * Saves the run in safetensors files: the weights by layer name, `dense_1/kernel`, and all that a
 * run needs to be resumed.
 *
 * Among epochs it keeps the best or the last ones; among steps the last ones, every so many steps or
 * seconds. A path may have places for the numbers of the epoch, the step and the logs:
 * `"digits-{epoch:03d}-{val_loss:.4f}.safetensors"`. Files that are no more among those to keep are
 * removed when the new one is on the disk.
 *
 * A file is replaced whole or not at all, and training waits until it is on the disk. Its metadata
 * hold `format_version`, `epoch`, `step` and `logs`, a JSON text. If a save fails the old file stays
 * as it was and the error ends the run. Whether the file may be written is found out before the
 * first step; its folder is made if it does not exist, as in Keras. The end is passed on when everything is saved. The option `metadata` keeps beside the
 * weights what else it takes to predict: the encoder of a table, a vocabulary, the model's JSON.
 *
 * A run that is interrupted is saved as it is then, with the `reason` in the metadata: to `path`,
 * unless that holds a best epoch, which is kept; then beside it, as `digits.last.safetensors` for
 * `digits.safetensors`. With `onException` a run that fails is saved as
 * `digits.exception.safetensors`, with the `message`: the weights are those of the last step that the
 * device has run. What comes while an epoch is being validated, or when the run is over already (below
 * `concat` and others that pass the end on late), can only be saved as weights, and goes beside:
 * `digits.weights.safetensors`; the file to resume from stays.
 *
 * @param path The file's path. Needs `--allow-read` and `--allow-write` for its folder.
 * @param options What to save, and when.
 * @returns An operator on epochs or steps, which it passes on as they are.
 * @throws {RangeError} when an option is out of range, or the path has no place for a number
 * where several files are kept; on the error channel when a log that the path names is missing,
 * when neither a metric nor the log's name tells where it gets better, or when another one of the pipe
 * saves to the same path and not both save the last.
 *
 * @example
 * ```ts
 * import { checkpoint, type Epoch } from "@millrace/millrace";
 * import { lastValueFrom, of } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const run = { keep: (kind: string) => kind };
 * const epoch = { epoch: 1, step: 9, logs: { val_loss: 0.5 }, run };
 * const file = await Deno.makeTempFile();
 * const saving = of(epoch as unknown as Epoch).pipe(checkpoint(`${file}/a.safetensors`));
 * await assert.rejects(lastValueFrom(saving), /is not a folder: name a file in a folder/);
 * ```
 *
 * Source: Keras 3, `ModelCheckpoint`: only a strict improvement is saved, and every epoch is when
 * the monitored log is missing (here with one warning). `save: "best"` is `save_best_only=True`, and
 * is the default here. `keep`, `saveLast`, `everySteps`, `everySeconds` and `onException` are
 * Lightning's `save_top_k`, `save_last`, `every_n_train_steps`, `train_time_interval` and
 * `OnExceptionCheckpoint`. Keras writes over the old file in place, and has no word for
 * interruption.
 */
export function checkpoint<Event extends AnyBatch | Epoch = Epoch>(
  path: string,
  options: CheckpointOptions = {},
): MonoTypeOperatorFunction<Event> {
  checkPath("checkpoint", path);
  const rule = checkpointRule(path, options);
  return (source) =>
    new Observable<Event>((subscriber) => {
      const saver = new CheckpointSaver(path, rule, subscriber);
      subscriber.add(() => saver.leave());
      follow(source, subscriber, {
        run: (run) => saver.begin(run),
        next: (event) => {
          saver.take(event);
          subscriber.next(event);
        },
        error: (error) => saver.fail(error),
        complete: () => saver.finish(),
      });
    });
}
