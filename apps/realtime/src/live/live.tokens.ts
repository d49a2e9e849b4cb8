/** Injects the interval between frames, in milliseconds. */
export const TICK_MS = Symbol('TickMs');

/** Injects the `Turnstile` of the connections. */
export const HANDSHAKES = Symbol('Handshakes');

/** Injects the `LiveLimits`. */
export const LIVE_LIMITS = Symbol('LiveLimits');
