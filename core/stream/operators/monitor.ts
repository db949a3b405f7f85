import type { Epoch } from "../epoch.ts";
import { checkEpoch } from "../stage_order.ts";

/**
 * Whether a smaller (`"min"`) or a larger (`"max"`) number is better; `"auto"` asks the loss or the
 * metric behind the log, and reads it from the log's name where there is none.
 */
export type MonitorMode = "auto" | "min" | "max";

/** Ends of log names whose number should rise. */
const rising = new RegExp(
  "(^|_)(accuracy|acc|auc|precision|recall|sensitivity|specificity|f1|f1_score|fbeta_score|iou|io_u|" +
    "r2|r2_score|correlation|cosine_similarity|true_positives|true_negatives)$",
);

/** Ends of log names whose number should fall. */
const falling = new RegExp(
  "(^|_)(loss|error|mse|mae|mape|msle|rmse|crossentropy|divergence|hinge|log_cosh|logcosh|poisson|" +
    "perplexity|false_positives|false_negatives)$",
);

/**
 * The direction in which a log gets better, as its name tells.
 *
 * @param operator The operator, for messages.
 * @param name The log's name; a `val_` or an output's name in front changes nothing.
 * @param mode The direction, or `"auto"`.
 * @returns The direction.
 * @throws {RangeError} when `mode` is unknown, or is `"auto"` and the name says nothing.
 */
export function monitorDirection(operator: string, name: string, mode: MonitorMode): "min" | "max" {
  checkMode(operator, mode);
  if (mode !== "auto") return mode;
  if (rising.test(name)) return "max";
  if (falling.test(name)) return "min";
  throw new RangeError(
    `Cannot use ${operator} as the name ${JSON.stringify(name)} does not tell whether it should ` +
      `fall or rise: pass mode "min" if smaller is better, or "max" if larger is better`,
  );
}

/** Refuses a mode that is none. */
export function checkMode(operator: string, mode: MonitorMode): void {
  if (["auto", "min", "max"].includes(mode)) return;
  throw new RangeError(
    `Cannot use ${operator} as mode must be "auto", "min" or "max": received ` +
      JSON.stringify(mode),
  );
}

/** Reads and compares one log for one subscription. */
export class Monitor {
  #warned = false;
  #direction: "min" | "max" | undefined;

  /**
   * @param operator The operator, for messages.
   * @param name The log's name.
   * @param mode Where better is; `"auto"` is found out at the first epoch that has the log.
   * @throws {RangeError} when `mode` is unknown.
   */
  constructor(
    private readonly operator: string,
    private readonly name: string,
    private readonly mode: MonitorMode = "auto",
  ) {
    checkMode(operator, mode);
    this.#direction = mode === "auto" ? undefined : mode;
  }

  /** Where better is, for a checkpoint; `null` while it is not known. */
  get direction(): "min" | "max" | null {
    return this.#direction ?? null;
  }

  /** Goes on with what a checkpoint holds; a direction that was given counts for more. */
  set direction(saved: "min" | "max" | null) {
    this.#direction ??= saved ?? undefined;
  }

  /**
   * The log's number, or `undefined` with one warning on stderr when there is none.
   *
   * @param epoch The epoch.
   * @param otherwise What happens then, for the warning.
   * @param strict Whether there is no otherwise.
   * @throws {RangeError} when there is no such log and `strict` is set, and when neither a metric
   * nor the name tells where the log gets better.
   */
  read(
    epoch: Pick<Epoch, "epoch" | "logs" | "directions">,
    otherwise: string,
    strict = false,
  ): number | undefined {
    checkEpoch(this.operator, epoch);
    if (Object.hasOwn(epoch.logs, this.name)) {
      this.#direction ??= epoch.directions?.[this.name] ??
        monitorDirection(this.operator, this.name, this.mode);
      return epoch.logs[this.name];
    }
    const names = Object.keys(epoch.logs).join(", ") || "none";
    if (strict) {
      throw new RangeError(
        `Cannot use ${this.operator} as the logs of epoch ${epoch.epoch} must hold ` +
          `"${this.name}": received ${names}`,
      );
    }
    if (!this.#warned) {
      this.#warned = true;
      console.error(
        `${this.operator}: the logs of epoch ${epoch.epoch} hold no "${this.name}", so ` +
          `${otherwise} (available: ${names})`,
      );
    }
    return undefined;
  }

  /**
   * Whether a number is strictly better than a reference by more than `minDelta`; NaN never is.
   *
   * @param value The number; `null`, that of a log that was missing, improves on nothing.
   * @param reference What it must beat; `null` when there is nothing yet.
   * @param minDelta Least change that counts; its sign does not matter.
   */
  improves(value: number | null, reference: number | null, minDelta = 0): boolean {
    if (value === null) return false;
    const sign = this.#direction === "max" ? -1 : 1;
    const toBeat = reference === null ? Infinity : sign * reference;
    return sign * value + Math.abs(minDelta) < toBeat;
  }
}
