/** Injects the configured limits of event times: `IngestConfig['events']`. */
export const EVENT_LIMITS = Symbol('EventLimits');
