/** Injects the `SessionOptions`. */
export const SESSION_OPTIONS = Symbol('SessionOptions');

/** Injects the URL of the page in browsers. */
export const PUBLIC_URL = Symbol('PublicUrl');
