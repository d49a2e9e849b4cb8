/** Injects the `LogConnection` of the service. */
export const LOG_CONNECTION = Symbol('LogConnection');
