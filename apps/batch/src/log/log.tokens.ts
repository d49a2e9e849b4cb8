/** Injects the {@link Admin} of the log. */
export const ADMIN = Symbol('Admin');
