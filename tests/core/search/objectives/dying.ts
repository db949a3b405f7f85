// Trials that end well and leave something behind that ends their Worker a moment later.
import { type Observable, of } from "rxjs";
import type { TrialEpoch } from "../../../../core/search/mod.ts";

export default function objective(): Observable<TrialEpoch> {
  setTimeout(() => Deno.exit(0), 20);
  return of({ epoch: 1, logs: { loss: 1 } });
}
