import assert from "node:assert/strict";
import { TestScheduler } from "rxjs/testing";
import { history } from "../../../../core/stream/operators/mod.ts";
import { fakeEpoch } from "../fake_epoch.ts";

const a = fakeEpoch(1, { loss: 0.5 });
const b = fakeEpoch(2, { loss: 0.25, val_loss: 1, constructor: 3 });
const whole = { epoch: [1, 2], history: { loss: [0.5, 0.25], val_loss: [1], constructor: [3] } };
const empty = { epoch: [], history: {} };

function marbles(test: Parameters<TestScheduler["run"]>[0]): void {
  new TestScheduler((actual, expected) => assert.deepEqual(actual, expected)).run(test);
}

Deno.test("history gathers the logs, anew for each subscriber", () =>
  marbles(({ cold, expectObservable }) => {
    const gathered = cold("-a-b-|", { a, b }).pipe(history());
    expectObservable(gathered).toBe("-----(w|)", { w: whole });
    expectObservable(gathered, "--^-----").toBe("-------(w|)", { w: whole });
  }));

Deno.test("history is empty without epochs, passes an error, and leaves its source", () =>
  marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
    expectObservable(cold<never>("--|").pipe(history())).toBe("--(e|)", { e: empty });
    expectObservable(cold("-a-#", { a }).pipe(history())).toBe("---#");
    const source = hot("-a-b-|", { a, b });
    expectObservable(source.pipe(history()), "^--!").toBe("----");
    expectSubscriptions(source.subscriptions).toBe("^--!");
  }));
