/** Operators on steps and epochs: Keras's callbacks as a pipe. */

export { checkpoint, type CheckpointOptions } from "./checkpoint.ts";
export { csvLog, type CsvLogOptions } from "./csv_log.ts";
export { dropoutSchedule, type DropoutScheduleState } from "./dropout_schedule.ts";
export { earlyStopping, type EarlyStoppingOptions } from "./early_stopping.ts";
export {
  findLearningRate,
  type FindLearningRateOptions,
  type LearningRateTrial,
} from "./find_learning_rate.ts";
export { type History, history } from "./history.ts";
export { jsonLines, type JsonLinesOptions, type LineWriter } from "./json_lines.ts";
export {
  learningRateSchedule,
  type LearningRateScheduleOptions,
  type LearningRateScheduleState,
} from "./learning_rate_schedule.ts";
export { maxTime, type MaxTimeOptions } from "./max_time.ts";
export type { MonitorMode } from "./monitor.ts";
export { profile, type ProfileOptions } from "./profile.ts";
export { progressBar, type ProgressBarOptions, type TerminalWriter } from "./progress_bar.ts";
export { reduceOnPlateau, type ReduceOnPlateauOptions } from "./reduce_on_plateau.ts";
export { remoteMonitor, type RemoteMonitorOptions } from "./remote_monitor.ts";
export { stopOnNaN } from "./stop_on_nan.ts";
export { stopOnSignal, type StopOnSignalOptions } from "./stop_on_signal.ts";
export { tensorBoard, type TensorBoardOptions } from "./tensor_board.ts";
export { throughput } from "./throughput.ts";
