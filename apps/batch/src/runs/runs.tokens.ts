/** Injects the {@link LoadRunner} that the service makes. */
export const LOADS = Symbol('LoadRunner');
/** Injects the {@link Schedule} that it makes them on. */
export const SCHEDULE = Symbol('Schedule');
