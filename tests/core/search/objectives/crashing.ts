// Trials that end their Worker in every way there is.
import { concat, NEVER, Observable, of } from "rxjs";
import { choice, type SearchParameters, type TrialEpoch } from "../../../../core/search/mod.ts";

export const space = { how: choice("well", "throw", "later", "reject", "exit", "error") };

const epoch: TrialEpoch = { epoch: 1, logs: { loss: 1 } };

export default function objective({ how }: SearchParameters<typeof space>): Observable<TrialEpoch> {
  switch (how) {
    case "well":
      return of(epoch);
    case "throw":
      throw new Error("thrown at once");
    case "later":
      setTimeout(() => {
        throw new Error("thrown later");
      }, 1);
      return concat(of(epoch), NEVER);
    case "reject":
      void Promise.reject(new Error("nobody caught it"));
      return NEVER;
    case "exit":
      return new Observable(() => Deno.exit(7));
    case "error":
      return new Observable((subscriber) => subscriber.error(new RangeError("down the stream")));
  }
}
