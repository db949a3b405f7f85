import type { Frame } from "./frame.ts";

/** What an operator does between the last step of an epoch and the next step. */
export interface Interlude {
  /** Called when the last step of an epoch has been handed to the device, before validation. */
  begin(last: Frame): void;
  /** Called before the first step of an epoch; also where nothing has begun. */
  end(): void;
  /** Called when somebody else has put other weights in the place of all. */
  supersede(): void;
}
