/** Trains for twenty epochs and prints the resident memory after the second and the last one. */
import { lastValueFrom, tap } from "rxjs";
import { mnist } from "../../data/mnist.ts";
import { accuracy, adam, dropout, epochs, input, measure, sequential } from "../../mod.ts";
import { dense, takeFirst } from "../../mod.ts";
import { crossentropy, steps } from "./pipes.ts";

const relu = { activation: "relu" } as const;
const model = sequential(
  [input([784]), dense(30, relu), dropout(0.2), dense(30, relu), dense(10)],
);
const resident: number[] = [];
const collect = (globalThis as { gc?: () => void }).gc!;
const settings = { batchSize: 32, epochs: 20, device: "cpu", threads: 2 } as const;
const training = steps(model, takeFirst(mnist.train, 4010), adam(), settings, crossentropy).pipe(
  measure(accuracy()),
  epochs({ validation: takeFirst(mnist.test, 1500) }),
  tap(({ epoch }) => {
    if (epoch !== 2 && epoch !== 20) return;
    collect();
    resident.push(Deno.memoryUsage().rss);
  }),
);
await lastValueFrom(training);
console.log(JSON.stringify(resident));
