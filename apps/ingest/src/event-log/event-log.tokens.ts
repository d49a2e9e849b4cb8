/** Injects `Producer`. */
export const PRODUCER = Symbol('Producer');
/** Injects `Admin`. */
export const ADMIN = Symbol('Admin');
