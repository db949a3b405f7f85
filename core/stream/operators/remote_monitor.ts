import { defer, tap } from "rxjs";
import type { MonoTypeOperatorFunction } from "../../nn/rxjs_types.ts";
import { checkScalar } from "../../nn/check_scalar.ts";
import type { Epoch } from "../epoch.ts";
import { checkEpoch } from "../stage_order.ts";
import { jsonText } from "./json_text.ts";

/** Options of {@link remoteMonitor}. */
export interface RemoteMonitorOptions {
  /** Path on the server; default `"/publish/epoch/end/"`. */
  readonly path?: string;
  /** Name of the form's field that holds the JSON text; default `"data"`. */
  readonly field?: string;
  /** Headers of every request; default none. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether the JSON text is sent as it is, and not in a form; default false. */
  readonly sendAsJson?: boolean;
  /** Seconds after which a request is given up, above 0; default 10. */
  readonly timeout?: number;
  /** Sends a request; default the system's `fetch`. */
  readonly fetch?: typeof fetch;
}

/**
 * Sends the number and the logs of each epoch to a server.
 *
 * Each is a POST of `{"epoch":1,"loss":0.5}`, one after another in their order. An epoch is sent while
 * the next one trains, and that one waits in the end until it has been answered: a slow server makes
 * training slower, and nothing piles up. A failure is said on stderr and stops nothing. Numbers that
 * are not finite become `"NaN"`, `"Infinity"` and `"-Infinity"`.
 *
 * @param root The server; default `"http://localhost:9000"`. Needs `--allow-net` for it.
 * @param options Path, form, headers.
 * @returns An operator on epochs, which it passes on as they are.
 * @throws {TypeError} when root and path are no URL.
 * @throws {RangeError} when `timeout` is not above 0.
 *
 * @example
 * ```ts
 * import { type Epoch, remoteMonitor } from "@millrace/millrace";
 * import { lastValueFrom, of } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const sent: unknown[] = [];
 * const fetch = (_url: unknown, init?: RequestInit) => {
 *   sent.push(init?.body);
 *   return Promise.resolve(new Response());
 * };
 * const epoch = { epoch: 1, logs: { loss: 0.5 }, run: {}, hold: () => {} };
 * const epochs = of(epoch as unknown as Epoch);
 * const monitor = remoteMonitor<Epoch>("http://localhost:9000", { sendAsJson: true, fetch });
 * await lastValueFrom(epochs.pipe(monitor));
 * assert.deepEqual(sent, ['{"epoch":1,"loss":0.5}']);
 * ```
 *
 * Source: Keras 3, `RemoteMonitor`, whose epochs count from 0 and which trains no further until the
 * server has answered.
 */
export function remoteMonitor<E extends Epoch>(
  root = "http://localhost:9000",
  options: RemoteMonitorOptions = {},
): MonoTypeOperatorFunction<E> {
  const { path = "/publish/epoch/end/", field = "data", headers = {}, sendAsJson = false } =
    options;
  const url = addressOf(root + path);
  const timeout = checkScalar("the timeout of remoteMonitor", options.timeout ?? 10, {
    minimum: Number.MIN_VALUE,
  });
  const send = options.fetch ?? fetch;

  async function post(text: string): Promise<void> {
    try {
      const response = await send(url, {
        method: "POST",
        headers: sendAsJson ? { "content-type": "application/json", ...headers } : headers,
        body: sendAsJson ? text : new URLSearchParams({ [field]: text }),
        signal: AbortSignal.timeout(timeout * 1000),
      });
      await response.body?.cancel();
      if (!response.ok) {
        warn(url, `it answered ${response.status} ${response.statusText}`.trimEnd());
      }
    } catch (error) {
      warn(url, explain(error, url));
    }
  }

  return (source) =>
    defer(() => {
      let last: Promise<void> = Promise.resolve();
      return source.pipe(tap((event) => {
        checkEpoch("remoteMonitor", event);
        if (event.run.isRehearsal) return;
        const text = jsonText({ epoch: event.epoch, ...event.logs });
        event.hold(last);
        last = last.then(() => post(text));
      }));
    });
}

function addressOf(text: string): URL {
  try {
    return new URL(text);
  } catch {
    throw new TypeError(
      `Cannot use remoteMonitor as root and path must be a URL such as ` +
        `http://localhost:9000/publish/epoch/end/: received ${JSON.stringify(text)}`,
    );
  }
}

function warn(url: URL, what: string): void {
  console.error(`remoteMonitor: the epoch was not sent to ${url.origin}, as ${what}`);
}

function explain(error: unknown, url: URL): string {
  if (error instanceof Deno.errors.NotCapable) {
    return `this program has no permission to: run it again with --allow-net=${url.host}`;
  }
  return (error as Error).message;
}
