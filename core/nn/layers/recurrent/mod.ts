/** Layers that go through the steps of a sequence. */

export { bidirectional } from "./bidirectional.ts";
export type { BidirectionalOptions, BothDirections, ForwardAndBackward } from "./bidirectional.ts";
export type { BidirectionalMerge } from "./both_directions.ts";
export type { ConvLstmOptions } from "./conv_lstm.ts";
export { convLstm1d } from "./conv_lstm1d.ts";
export { convLstm2d } from "./conv_lstm2d.ts";
export { convLstm3d } from "./conv_lstm3d.ts";
export { gru, type GruOptions } from "./gru.ts";
export { lstm } from "./lstm.ts";
export type { LstmOptions } from "./lstm.ts";
export type {
  LstmOutputs,
  RecurrentLayer,
  RecurrentOutputs,
  ReturnsState,
} from "./recurrent_layer.ts";
export type { GatedOptions, RecurrentOptions } from "./recurrent_options.ts";
export { rnn } from "./rnn.ts";
export type { OutputsAndStates, RnnOptions } from "./rnn.ts";
export type { CellStep, RecurrentCell } from "./recurrent_cell.ts";
export { simpleRnn } from "./simple_rnn.ts";
export { timeDistributed } from "./time_distributed.ts";
export type { TimeDistributedOptions } from "./time_distributed.ts";
