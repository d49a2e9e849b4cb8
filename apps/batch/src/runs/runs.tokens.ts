/** Injects the {@link Loads} that the service makes. */
export const LOADS = Symbol('Loads');
/** Injects the {@link Schedule} that it makes them on. */
export const SCHEDULE = Symbol('Schedule');
