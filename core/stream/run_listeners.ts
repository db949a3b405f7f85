import { Observable, tap } from "rxjs";
import type { MonoTypeOperatorFunction } from "../nn/rxjs_types.ts";
import type { Run } from "./run.ts";

/** Told of a run before its first step. */
export type RunListener = (run: Run) => void;

/** Operators that are being subscribed at this moment, from the bottom of the pipe up. */
let listening: readonly RunListener[] = [];

/** Operators and sources that have been subscribed so far: none comes above one that ends a branch. */
let subscribed = 0;

/** Who is to be told of each run whose source was subscribed in this turn, the last one last. */
let begun: readonly RunListener[][] = [];

/** Observables on the way to such a source, with who is to be told of its run. */
const ways = new WeakMap<Observable<unknown>, RunListener[]>();

/**
 * Subscribes to a pipe so that its source can tell the operators below of the run.
 *
 * Operators on epochs would else know the run only from the first epoch, too late for one that is
 * interrupted or fails before. Subscription goes up the pipe in one synchronous call, so whoever is
 * on the way while the source is subscribed belongs to its run.
 *
 * @param listener Called with the run.
 * @param source What is above.
 * @param subscribe Subscribes to it.
 */
export function withRunListener(
  listener: RunListener,
  source: Observable<unknown>,
  subscribe: () => void,
): void {
  const outer = listening;
  listening = [...outer, listener];
  const [before, known] = [++subscribed, begun.length];
  try {
    subscribe();
    // Below a share whose source was subscribed for another branch in this turn.
    if (subscribed === before) join(source, listening.toReversed());
    else if (begun.length > known) wayOf(source).forEach((each) => ways.set(each, begun.at(-1)!));
  } finally {
    listening = outer;
  }
}

/** An observable, and those that RxJS's own operators have made it of. */
function wayOf(source: Observable<unknown>): Observable<unknown>[] {
  const way = [source];
  // Nothing else tells to which of two runs a share belongs before it gives a step.
  for (let above = source.source; above; above = above.source) way.push(above);
  return way;
}

/** Adds the operators of a branch that the source does not know of, unless it may be another one. */
function join(source: Observable<unknown>, branch: readonly RunListener[]): void {
  const known = wayOf(source).map((each) => ways.get(each)).find((run) =>
    run && begun.includes(run)
  );
  const run = known ?? (begun.length === 1 ? begun[0] : undefined);
  run?.push(...branch.filter((listener) => !run.includes(listener)));
}

/**
 * What an operator has for each run whose steps come to it: one, or several where sources were put
 * together by `concat` or `merge`. An operator calls it as listener and with the run of every step:
 * a branch below a `share` that is subscribed late is told of the run by nobody else.
 *
 * @param create Makes it for a run that was not met before.
 */
export function perRun<State>(create: (run: Run) => State): (run: Run) => State {
  const states = new WeakMap<Run, { readonly state: State }>();
  let last: { readonly run: Run; readonly state: State } | undefined;
  return (run) => {
    if (last?.run === run) return last.state;
    const { state } = states.get(run) ?? { state: create(run) };
    states.set(run, { state });
    last = { run, state };
    return state;
  };
}

/**
 * An operator that passes everything on, and is told of the run before its first step.
 *
 * @param listener Called with the run.
 */
export function meetRun<Event>(listener: RunListener): MonoTypeOperatorFunction<Event> {
  return (source) =>
    new Observable<Event>((subscriber) => {
      const meet = perRun(listener);
      withRunListener(meet, source, () => {
        subscriber.add(
          source.pipe(tap((event) => {
            const { run } = event as { readonly run?: Run };
            if (run) meet(run);
          })).subscribe(subscriber),
        );
      });
    });
}

/**
 * The operators below a source, for it to ask while it is being subscribed.
 *
 * @returns Those that want to hear of the run, from the source down: a model is known to the run
 * before an operator below asks what it is. Branches below a `share` that are subscribed in the same
 * turn come behind them later: so a resumed run has all of its states at once, in the order of the
 * pipe, whichever branch comes to its first step first.
 */
export function runListeners(): readonly RunListener[] {
  subscribed++;
  const mine = listening.toReversed();
  begun = [...begun, mine];
  queueMicrotask(() => begun = begun.filter((other) => other !== mine));
  return mine;
}
