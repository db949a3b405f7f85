import type { Executable, Storage } from "../graph/device.ts";
import { createProgram } from "../graph/program.ts";
import type { Tensor } from "../graph/tensor.ts";
import { checkLabelUses } from "./class_ids.ts";
import type { Effect, Frame } from "./frame.ts";
import type { HeldWeight } from "./held_weight.ts";
import { warnOfNewPlans } from "./plan_warning.ts";
import { RecordLayout } from "./record_layout.ts";
import type { Run } from "./run.ts";
import { areSame } from "./stage.ts";
import { warnOfUpdates } from "./update_warning.ts";

/** A step that has been planned: found again when the stages want the same things done. */
export interface Planned {
  /** What the stages wanted done. */
  readonly effects: readonly Effect[];
  /** What was to be read. */
  readonly reads: readonly Tensor[];
  /** The program on the device. */
  readonly executable: Executable;
  /** The weights that the step replaces. */
  readonly changes: readonly HeldWeight[];
  /** What gives each scalar. */
  readonly providers: readonly (() => number)[];
  /** The scalars of a step. */
  readonly values: Float64Array;
  /** First output that was asked for by a read. */
  readonly firstRead: number;
}

/** Plans kept at once; a pipe needs one for each batch size, and one for each that reads. */
const mostPlans = 16;

/** The plans of a run's steps, the last used first. */
export class StepPlans {
  #plans: Planned[] = [];
  #planned = 0;
  /** Numbers of samples that batches have had. */
  readonly #sizes = new Set<number>();
  #warned = false;

  /** @param run The run. @param bind Memory of a leaf. */
  constructor(
    private readonly run: Pick<
      Run,
      "device" | "scalars" | "collector" | "training" | "weightTable"
    >,
    private readonly bind: (leaf: Tensor) => Storage,
  ) {}

  /** The plan of a step: found, or made. */
  get(frame: Frame): Planned {
    const planned = this.#find(frame) ?? this.#plan(frame);
    if (planned !== this.#plans[0]) {
      this.#plans = [planned, ...this.#plans.filter((other) => other !== planned)];
    }
    return planned;
  }

  /** Frees all plans. */
  dispose(): void {
    for (const { executable } of this.#plans) executable.dispose();
    this.#plans = [];
  }

  #find(frame: Frame): Planned | undefined {
    return this.#plans.find((planned) =>
      planned.effects.length === frame.effects.length &&
      planned.reads.length === frame.reads.length &&
      areSame(planned.effects, frame.effects) &&
      planned.reads.every((tensor, place) => tensor === frame.reads[place].tensor)
    );
  }

  #plan(frame: Frame): Planned {
    this.#warned ||= warnOfUpdates(frame.effects);
    const layout = new RecordLayout([
      ...frame.effects.flatMap(({ records = [] }) => records),
      ...frame.effects.flatMap(({ checks = [] }) => checks),
    ]);
    const { device, scalars, collector, training, weightTable } = this.run;
    checkLabelUses(
      frame.effects.flatMap(({ records = [] }) => records.flatMap(({ labels = [] }) => labels)),
      (targets, ids) => training.checkClassIds(targets, ids),
    );
    const { outputs } = layout;
    const assignments = new Map(
      frame.effects.flatMap((effect) => effect.assignments ?? [])
        .map((assignment) => [assignment.state, assignment]),
    );
    const reads = frame.reads.map(({ tensor }) => tensor);
    const program = createProgram([...outputs, ...reads], [...assignments.values()]);
    const executable = device.prepare(program, (leaf) => this.bind(leaf), {
      recorded: outputs.length,
    });
    collector.register(executable, layout);
    const providers = executable.scalars.map((leaf) => scalars.provider(leaf));
    const planned: Planned = {
      effects: [...frame.effects],
      reads,
      executable,
      changes: weightTable.heldOf(assignments.keys()),
      providers,
      values: new Float64Array(providers.length),
      firstRead: outputs.length,
    };
    this.#plans.unshift(planned);
    warnOfNewPlans(++this.#planned, program, this.#sizes.add(frame.samples));
    if (this.#plans.length > mostPlans) this.#forget(this.#plans.pop()!);
    return planned;
  }

  #forget({ executable }: Planned): void {
    const { collector } = this.run;
    void collector.collect().catch(() => {}).finally(() => {
      collector.forget(executable);
      executable.dispose();
    });
  }
}
