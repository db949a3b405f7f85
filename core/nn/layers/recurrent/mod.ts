/** Layers that go through the steps of a sequence. */

export { gru } from "./gru.ts";
export { lstm } from "./lstm.ts";
export type { LstmOptions } from "./lstm.ts";
export type { GatedOptions, RecurrentOptions } from "./recurrent.ts";
export { simpleRnn } from "./simple_rnn.ts";
