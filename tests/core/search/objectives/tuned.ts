// The objective of a study that runs in Workers.
import type { Observable } from "rxjs";
import {
  arrays,
  choice,
  dense,
  type Epoch,
  fit,
  float,
  input,
  meanSquaredError,
  type SearchParameters,
  sequential,
  sgd,
  type TrialContext,
} from "../../../../mod.ts";

export const space = {
  learningRate: float(1e-4, 0.02, { log: true }),
  device: choice("cpu"),
};

const data = arrays([[1], [2], [3], [4]], [[2], [4], [6], [8]]);

export default function objective(
  { learningRate, device }: SearchParameters<typeof space>,
  { seed }: TrialContext,
): Observable<Epoch> {
  return fit(sequential([input([1]), dense(1)], { seed }), data, {
    loss: meanSquaredError(),
    optimizer: sgd({ learningRate }),
    epochs: 6,
    device,
    threads: 1,
    seed,
  });
}
