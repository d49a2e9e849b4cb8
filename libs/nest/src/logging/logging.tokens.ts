/** Injects pino's `Logger` of the process. */
export const LOGGER = Symbol('Logger');
