/** Injects the {@link Pool} of connections to Postgres. */
export const POOL = Symbol('Pool');
