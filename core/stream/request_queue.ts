import { Turns } from "./yield_to_events.ts";

/** A request to compute something of some samples. */
interface Request {
  /** How many samples. */
  readonly samples: number;
}

interface Waiting<Req extends Request, Answer> {
  readonly request: Req;
  /** Whether it is a further part of the one before it. */
  readonly goesOn: boolean;
  readonly answer: PromiseWithResolvers<Answer>;
}

/** Requests that are answered in order; those that come while others are computed, together. */
export class RequestQueue<Req extends Request, Answer> {
  #waiting: Waiting<Req, Answer>[] = [];
  #work: Promise<void> | undefined;
  readonly #turns = new Turns();

  /**
   * @param most Samples of requests that are answered together, at most.
   * @param compute Answers requests, of `most` samples in all or fewer, in their order; those that go
   * on come alone.
   */
  constructor(
    private readonly most: number,
    private readonly compute: (
      requests: readonly Req[],
      goesOn: boolean,
    ) => Promise<readonly Answer[]>,
  ) {}

  /** The answer to a request of `most` samples or fewer, maybe a further part of the last one. */
  add(request: Req, goesOn = false): Promise<Answer> {
    const answer = Promise.withResolvers<Answer>();
    this.#waiting.push({ request, goesOn, answer });
    this.#work ??= this.#answerAll();
    return answer.promise;
  }

  /** Settles when all requests have been answered; none may come after. */
  async end(): Promise<void> {
    await this.#work;
    this.#turns.stop();
  }

  async #answerAll(): Promise<void> {
    // Whoever asks in the same turn is answered together.
    await null;
    while (this.#waiting.length > 0) {
      const batch = this.#take();
      try {
        const answers = await this.compute(batch.map(({ request }) => request), batch[0].goesOn);
        batch.forEach(({ answer }, place) => answer.resolve(answers[place]));
      } catch (error) {
        for (const { answer } of batch) answer.reject(error);
      }
      const turn = this.#turns.due();
      if (turn) await turn;
    }
    // In the same turn as the look that found nobody: who comes later starts the work again.
    this.#work = undefined;
  }

  #take(): Waiting<Req, Answer>[] {
    if (this.#waiting[0].goesOn) return this.#waiting.splice(0, 1);
    let samples = 0;
    const end = this.#waiting.findIndex(({ request }) => (samples += request.samples) > this.most);
    return this.#waiting.splice(0, end < 0 ? this.#waiting.length : end);
  }
}
