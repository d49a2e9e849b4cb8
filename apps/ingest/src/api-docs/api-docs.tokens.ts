/** Injects `EventRegistry`. */
export const EVENT_REGISTRY = Symbol('EventRegistry');
