/**
 * A number that follows from the iteration: the count of updates so far, 0 at the first step.
 *
 * It goes wherever a learning rate goes. Keras counts in the same way.
 */
export type Schedule = (iteration: number) => number;
