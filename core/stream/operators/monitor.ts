import type { Epoch } from "../epoch.ts";

/**
 * Whether a smaller (`"min"`) or a larger (`"max"`) number is better; `"auto"` reads it from the
 * log's name.
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
 * The direction in which a log gets better.
 *
 * Keras asks the metric object; operators on epochs know its name alone.
 *
 * @param operator The operator, for messages.
 * @param name The log's name; a `val_` or an output's name in front changes nothing.
 * @param mode The direction, or `"auto"`.
 * @returns The direction.
 * @throws {RangeError} when `mode` is unknown, or is `"auto"` and the name says nothing.
 */
export function monitorDirection(operator: string, name: string, mode: MonitorMode): "min" | "max" {
  if (mode === "min" || mode === "max") return mode;
  if (mode !== "auto") {
    throw new RangeError(
      `Cannot use ${operator} as mode must be "auto", "min" or "max": received ` +
        JSON.stringify(mode),
    );
  }
  if (rising.test(name)) return "max";
  if (falling.test(name)) return "min";
  throw new RangeError(
    `Cannot use ${operator} as the name ${JSON.stringify(name)} does not tell whether it should ` +
      `fall or rise: pass mode "min" if smaller is better, or "max" if larger is better`,
  );
}

/** Reads and compares one log for one subscription. */
export class Monitor {
  #warned = false;

  /**
   * @param operator The operator, for messages.
   * @param name The log's name.
   * @param direction Where better is.
   */
  constructor(
    private readonly operator: string,
    private readonly name: string,
    private readonly direction: "min" | "max",
  ) {}

  /** What any number improves on. */
  get worst(): number {
    return this.direction === "min" ? Infinity : -Infinity;
  }

  /**
   * The log's number, or `undefined` with one warning on stderr when there is none.
   *
   * @param epoch The epoch.
   * @param otherwise What happens then, for the warning.
   * @param strict Whether there is no otherwise.
   * @throws {RangeError} when there is no such log and `strict` is set.
   */
  read(
    epoch: Pick<Epoch, "epoch" | "logs">,
    otherwise: string,
    strict = false,
  ): number | undefined {
    if (Object.hasOwn(epoch.logs, this.name)) return epoch.logs[this.name];
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
   * @param value The number.
   * @param reference What it must beat.
   * @param minDelta Least change that counts; its sign does not matter.
   */
  improves(value: number, reference: number, minDelta = 0): boolean {
    const delta = Math.abs(minDelta);
    return this.direction === "min" ? value + delta < reference : value - delta > reference;
  }
}
