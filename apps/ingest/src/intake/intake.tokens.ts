/** Injects the limits of event times that are configured. */
export const EVENT_LIMITS = Symbol('EventLimits');
