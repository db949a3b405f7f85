// Epochs that wait for what they hold, as those of a training do, and say how far they came.
import { Observable } from "rxjs";
import { integer, type SearchParameters, type TrialEpoch } from "../../../../core/search/mod.ts";

export const space = { place: integer(1, 100) };

export default function objective(
  { place }: SearchParameters<typeof space>,
): Observable<TrialEpoch> {
  return new Observable((subscriber) => {
    let stopped = false;
    void (async () => {
      for (let epoch = 1; epoch <= 5 && !stopped; epoch++) {
        let held: Promise<unknown> | undefined;
        // The time at which it was made, to compare with that of other Workers.
        const logs = { loss: place, time: Date.now(), made: epoch };
        subscriber.next({ epoch, logs, hold: (promise) => held = promise });
        if (!held) subscriber.error(new Error("nobody holds the epoch"));
        await held;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      subscriber.complete();
    })();
    return () => stopped = true;
  });
}
