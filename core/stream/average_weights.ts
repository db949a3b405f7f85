import { Observable } from "rxjs";
import type { MonoTypeOperatorFunction } from "../nn/rxjs_types.ts";
import { perRun, type RunListener, withRunListener } from "./run_listeners.ts";
import { checkStage } from "./stage_order.ts";
import type { AnyUpdated } from "./stages.ts";
import { type AveragingRule, WeightAverages } from "./weight_averages.ts";

/**
 * An operator that lets averages follow the weights.
 *
 * @param kind What they are, for the names of their slots.
 * @param rule How they follow.
 * @param before Called for every run; gives what is done with a step before the averages
 * follow it. What it hands to `onRun` is told of the run before its first step.
 */
export function averageWeights<Step extends AnyUpdated>(
  kind: string,
  rule: AveragingRule,
  before: (onRun: (listener: RunListener) => void) => (step: Step) => void = () => () => {},
): MonoTypeOperatorFunction<Step> {
  return (source) =>
    new Observable<Step>((subscriber) => {
      const all: WeightAverages[] = [];
      const meet = perRun((run) => {
        const averages = new WeightAverages(kind, rule);
        all.push(averages);
        const listeners: RunListener[] = [(run) => averages.meet(run)];
        const prepare = before((listener) => void listeners.push(listener));
        listeners.forEach((listener) => listener(run));
        return (step: Step) => {
          prepare(step);
          averages.follow(step);
        };
      });
      // Before what is above is torn down: the weights are still there.
      subscriber.add(() => all.forEach((averages) => averages.finish()));
      withRunListener(meet, source, () => {
        subscriber.add(source.subscribe({
          next: (step) => {
            try {
              checkStage(rule.operator, "update", step);
              meet(step.frame.run)(step);
            } catch (error) {
              subscriber.error(error);
              return;
            }
            subscriber.next(step);
          },
          error: (error) => subscriber.error(error),
          complete: () => subscriber.complete(),
        }));
      });
      return () => all.forEach((averages) => averages.dispose());
    });
}
