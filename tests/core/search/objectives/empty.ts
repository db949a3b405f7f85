export const space = 1;
