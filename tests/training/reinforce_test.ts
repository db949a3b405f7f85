/** An agent that learns to balance a pole by the games that it plays itself: REINFORCE. */
import assert from "node:assert/strict";
import { lastValueFrom, take } from "rxjs";
import {
  adam,
  arrays,
  backward,
  batchesFrom,
  dense,
  forward,
  input,
  logSoftmax,
  loss,
  openModel,
  sequential,
  takeAlongAxis,
  update,
} from "../../mod.ts";
import { mulberry32 } from "../core/ops/generator.ts";

const cpu = { device: "cpu", threads: 1 } as const;
const random = mulberry32(5);

/** Barto, Sutton and Anderson, 1983, with Gymnasium's constants: place, speed, angle and its speed. */
function pushed([x, speed, angle, turning]: number[], right: boolean): number[] {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const push = ((right ? 10 : -10) + 0.05 * turning ** 2 * sin) / 1.1;
  const turn = (9.8 * sin - cos * push) / (0.5 * (4 / 3 - 0.1 * cos ** 2 / 1.1));
  const gain = push - 0.05 * turn * cos / 1.1;
  return [x + 0.02 * speed, speed + 0.02 * gain, angle + 0.02 * turning, turning + 0.02 * turn];
}

interface Game {
  state: number[];
  readonly states: number[][];
  readonly actions: number[];
}

/** Games that are played side by side until each has fallen, or has lasted for 200 pushes. */
async function play(choose: (states: number[][]) => Promise<boolean[]>): Promise<Game[]> {
  const games = Array.from({ length: 8 }, (): Game => ({
    state: [0, 0, 0, 0].map(() => random() * 0.1 - 0.05),
    states: [],
    actions: [],
  }));
  const stands = ({ state: [x, , angle] }: Game) => Math.abs(x) < 2.4 && Math.abs(angle) < 0.2095;
  for (let push = 0; push < 200 && games.some(stands); push++) {
    const playing = games.filter(stands);
    const chosen = await choose(playing.map(({ state }) => state));
    playing.forEach((game, place) => {
      game.states.push(game.state);
      game.actions.push(Number(chosen[place]));
      game.state = pushed(game.state, chosen[place]);
    });
  }
  return games;
}

Deno.test("an agent learns from games that its present weights play", async () => {
  const policy = sequential([input([4]), dense(16, { activation: "tanh" }), dense(2)], { seed: 4 });
  await using player = await openModel(policy, cpu);
  const lengths: number[] = [];
  const batchSize = 256;
  const games = async function* () {
    while (true) {
      const played = await play(async (states) => {
        const { data } = await player.predict(states);
        return states.map((_, at) =>
          random() > 1 / (1 + Math.exp(data[2 * at + 1] - data[2 * at]))
        );
      });
      const won = played.flatMap(({ actions }) => {
        let sum = 0;
        return actions.map(() => sum = 1 + 0.99 * sum).reverse();
      });
      lengths.push(won.length / played.length);
      const mean = won.reduce((sum, value) => sum + value, 0) / won.length;
      const [states, actions] = [
        played.flatMap((game) => game.states),
        played.flatMap((game) => game.actions),
      ];
      // One size of batch, so that there is one plan.
      const drawn = Array.from({ length: batchSize }, () => Math.floor(random() * won.length));
      yield arrays(drawn.map((at) => states[at]), {
        action: Int32Array.from(drawn, (at) => actions[at]),
        advantage: drawn.map((at) => (won[at] - mean) / 20),
      });
    }
  };
  const steps = batchesFrom(games, cpu).pipe(
    forward(policy),
    loss(({ y, outputs }) =>
      takeAlongAxis(logSoftmax(outputs), y.action.reshape([-1, 1]), 1).mul(y.advantage).mean(-1)
        .neg()
    ),
    backward(),
    update(adam({ learningRate: 0.03 })),
  );
  await lastValueFrom(steps.pipe(take(30)));
  const mean = (part: number[]) => part.reduce((sum, value) => sum + value, 0) / part.length;
  const [before, after] = [mean(lengths.slice(0, 3)), mean(lengths.slice(-5))];
  assert(before < 50 && after > 2 * before, `${lengths.map(Math.round)}`);
});
