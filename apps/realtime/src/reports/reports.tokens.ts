/** Injects the URL of batch, or `null` if it is not configured. */
export const BATCH_URL = Symbol('BatchUrl');
