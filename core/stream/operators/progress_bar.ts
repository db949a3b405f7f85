import { defer, tap } from "rxjs";
import { received } from "../../state/received.ts";
import type { MonoTypeOperatorFunction } from "../../nn/rxjs_types.ts";
import { checkCount } from "../../nn/check_count.ts";
import { checkScalar } from "../../nn/check_scalar.ts";
import { checkStage } from "../stage_order.ts";
import type { AnyBatch, Updated } from "../stages.ts";
import { type LineWriter, writeText } from "./line_queue.ts";

/** Where a progress bar is drawn; `Deno.stderr` is one. */
export interface TerminalWriter extends LineWriter {
  /** Whether people see what is written. */
  isTerminal(): boolean;
}

/** Options of {@link progressBar}. */
export interface ProgressBarOptions {
  /** Length of the bar in characters, from 1; default 20. */
  readonly width?: number;
  /** Milliseconds from one drawing to the next, at least; default 50. */
  readonly interval?: number;
  /** Epochs in all, to show beside the epoch's number; left out by default. */
  readonly epochs?: number;
  /** Whether the bar has a colour; by default unless `NO_COLOR` is set. */
  readonly color?: boolean;
}

/**
 * Draws a bar for each epoch as its steps go by, with the latest losses and metrics known.
 *
 * Nothing waits for the numbers, and they are asked for only when the bar is drawn. Nothing is
 * written when the stream is no terminal, or `TERM` is `dumb`. The bar of a finished epoch stays.
 *
 * @param stream Where to; `Deno.stderr`, as stdout is for data.
 * @param options Width, interval, colour.
 * @returns An operator on steps, which it passes on as they are.
 * @throws {RangeError} when an option is out of range.
 *
 * @example
 * ```ts
 * import { progressBar, type Updated } from "@millrace/millrace";
 * import { EMPTY, lastValueFrom } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const steps = EMPTY.pipe(progressBar<Updated>(Deno.stderr));
 * assert.equal(await lastValueFrom(steps, { defaultValue: "no step" }), "no step");
 * assert.throws(() => progressBar(Deno.stderr, { width: 0 }), RangeError);
 * ```
 *
 * Source: Keras 3, `ProgbarLogger`, for the shape; Keras shows means over the epoch, we the values
 * of the latest step read.
 */
export function progressBar<Step extends AnyBatch = Updated>(
  stream: TerminalWriter,
  options: ProgressBarOptions = {},
): MonoTypeOperatorFunction<Step> {
  if (typeof stream?.isTerminal !== "function") {
    throw new TypeError(
      `Cannot draw a bar by progressBar as it must be given a terminal, such as Deno.stderr: ` +
        `received ${received(stream)}`,
    );
  }
  const settings: Settings = {
    width: checkCount("the width of progressBar", options.width ?? 20, 1),
    interval: checkScalar("the interval of progressBar", options.interval ?? 50, { minimum: 0 }),
    total: options.epochs === undefined
      ? ""
      : `/${checkCount("the epochs of progressBar", options.epochs)}`,
    color: options.color ?? !Deno.noColor,
  };
  return (source) =>
    defer(() => {
      if (!stream.isTerminal() || terminalType() === "dumb") return source;
      const bar = new Bar(stream, settings);
      const finish = () => bar.finish();
      return source.pipe(tap({
        next: (step) => bar.show(step),
        // Before they are passed on, so that a message below begins on a line of its own.
        complete: finish,
        error: finish,
        unsubscribe: finish,
      }));
    });
}

interface Settings {
  readonly width: number;
  readonly interval: number;
  readonly total: string;
  readonly color: boolean;
}

/** The state of one subscription. */
class Bar {
  #drawn = -Infinity;
  /** Whether the cursor is on a bar. */
  #open = false;
  #failed = false;
  #values = "";

  constructor(private readonly stream: LineWriter, private readonly settings: Settings) {}

  show(step: AnyBatch): void {
    checkStage("progressBar", "miniBatches", step);
    const now = performance.now();
    const isLast = step.stepInEpoch === step.stepsPerEpoch;
    if (!isLast && now - this.#drawn < this.settings.interval) return;
    this.#drawn = now;
    this.#draw(step);
    if (isLast) this.finish();
    step.values().then((values) => this.#values = describe(values), () => {});
  }

  /** Leaves the bar as it is; what comes next begins on a new line. */
  finish(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#write("\n");
  }

  #draw({ epoch, stepInEpoch, stepsPerEpoch }: AnyBatch): void {
    const { width, total, color } = this.settings;
    const filled = Math.floor(width * stepInEpoch / stepsPerEpoch);
    const full = "━".repeat(filled);
    const head = `Epoch ${epoch}${total} `;
    const tail = ` ${String(stepInEpoch).padStart(String(stepsPerEpoch).length)}/${stepsPerEpoch}`;
    // A longer line would wrap, and the next drawing would begin below it.
    const room = Math.max(0, terminalWidth() - 1 - head.length - width);
    this.#write(
      head + (color ? `\x1b[32m${full}\x1b[0m` : full) + "─".repeat(width - filled) +
        (tail + this.#values).slice(0, room) +
        // The rest of the line is erased, and the cursor waits at its start for the next drawing.
        "\x1b[K\r",
    );
    this.#open = true;
  }

  #write(text: string): void {
    if (this.#failed) return;
    try {
      writeText(this.stream, text);
    } catch {
      // A terminal that has gone away is no reason to stop training.
      this.#failed = true;
    }
  }
}

function describe(values: Readonly<Record<string, number>>): string {
  return Object.entries(values).map(([name, value]) => ` ${name}: ${shorten(value)}`).join("");
}

/** Four digits, as Keras shows them. */
function shorten(value: number): string {
  const isSmall = value !== 0 && Math.abs(value) <= 1e-3;
  return isSmall || !Number.isFinite(value) ? value.toExponential(4) : value.toFixed(4);
}

function terminalWidth(): number {
  try {
    return Deno.consoleSize().columns || 80;
  } catch {
    return 80;
  }
}

/** `TERM`, if this program may read it; it does not ask. */
function terminalType(): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable: "TERM" });
  return state === "granted" ? Deno.env.get("TERM") : undefined;
}
