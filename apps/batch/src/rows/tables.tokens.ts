/** Injects the {@link EventRegistry}. */
export const REGISTRY = Symbol('EventRegistry');
/** Injects the {@link Tables} that are loaded. */
export const TABLES = Symbol('Tables');
