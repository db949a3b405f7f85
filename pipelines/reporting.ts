import type { MonoTypeOperatorFunction } from "rxjs";
import {
  type AnyUpdated,
  checkpoint,
  earlyStopping,
  type Epoch,
  jsonLines,
  progressBar,
  type RunControl,
  stopOnSignal,
} from "../mod.ts";
import { wholeNumber } from "./command_line.ts";
import { identity } from "./training_options.ts";

/** The option for lines about steps. */
export const logEvery = {
  value: "N",
  help: "steps between step lines; 0 for none",
  default: "0",
  parse: wholeNumber(0),
};

/** Ends the run at a signal, and the process with the shell's code for it. */
export function endOnSignal<Event extends { readonly run: RunControl }>(): MonoTypeOperatorFunction<
  Event
> {
  return stopOnSignal(["SIGINT", "SIGTERM"], { onSignal: (_, code) => Deno.exitCode = code });
}

/** What stands on the steps of a training: signals, lines on stdout, a bar on a terminal. */
export function stepReports<Step extends AnyUpdated>(
  options: { readonly "log-every": number; readonly epochs: number },
): MonoTypeOperatorFunction<Step>[] {
  return [
    endOnSignal(),
    jsonLines(Deno.stdout, { every: options["log-every"] }),
    progressBar(Deno.stderr, { epochs: options.epochs }),
  ];
}

/** What {@link bestKept} must know. */
export interface BestKept {
  /** Log name by which epochs are judged; default `val_loss`. */
  readonly monitor?: string;
  /** Worse epochs after which training stops. */
  readonly patience: number;
  /** The file of the best epoch; none unless given. */
  readonly path?: string;
  /** Texts for the file. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** What stands on the epochs: the best one is kept, also in a file, and each gives a line. */
export function bestKept(
  { monitor = "val_loss", patience, path, metadata }: BestKept,
): MonoTypeOperatorFunction<Epoch>[] {
  return [
    earlyStopping({ monitor, patience, restoreBest: true }),
    path === undefined ? identity : checkpoint(path, { monitor, metadata }),
    jsonLines(Deno.stdout),
  ];
}

/** Writes an event to stdout, as one line of JSON. */
export function print(event: string, fields: Readonly<Record<string, unknown>>): void {
  console.log(JSON.stringify({ event, ...fields }));
}
