// A study that is killed: `kill_child.ts FILE TRIALS MILLISECONDS`, the time that an epoch takes.
import { concatMap, delay, from, of } from "rxjs";
import { float, medianPruning, search, tpe } from "../../../core/search/mod.ts";
import { losses } from "./helpers.ts";

const [storage, trials, pause] = Deno.args;
const say = (text: string) => Deno.stdout.writeSync(new TextEncoder().encode(text + "\n"));

search({ x: float(-3, 3), y: float(0, 1) }, ({ x, y }, { number }) => {
  say(`begin ${number}`);
  const epochs = from(losses([9 + x * x, 2 + x * x, x * x + y]));
  return Number(pause)
    ? epochs.pipe(concatMap((epoch) => of(epoch).pipe(delay(Number(pause)))))
    : epochs;
}, {
  trials: Number(trials),
  monitor: "loss",
  seed: 11,
  sampler: tpe(),
  pruner: medianPruning({ warmupEpochs: 1 }),
  storage,
}).subscribe(({ number }) => say(`end ${number}`));
