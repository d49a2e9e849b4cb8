/** Injects the interval between frames, in milliseconds. */
export const TICK_MS = Symbol('TickMs');
