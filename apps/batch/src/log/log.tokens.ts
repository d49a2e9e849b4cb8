/** Injects the {@link RangeReader} of the log. */
export const RANGE_READER = Symbol('RangeReader');
/** Injects the {@link DeadLetterQueue}. */
export const DEAD_LETTERS = Symbol('DeadLetterQueue');
/** Injects the {@link Admin} of the log. */
export const ADMIN = Symbol('Admin');
