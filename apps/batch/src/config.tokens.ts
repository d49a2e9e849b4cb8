/** Injects the {@link LoadConfig}. */
export const LOAD_CONFIG = Symbol('LoadConfig');
