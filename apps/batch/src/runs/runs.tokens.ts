/** Injects the {@link Schedule} of the loads. */
export const SCHEDULE = Symbol('Schedule');
