/** Injects the time from one frame to the next, in milliseconds. */
export const TICK_MS = Symbol('TickMs');
