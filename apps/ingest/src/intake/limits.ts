/** Most items in one request. */
export const MAX_ITEMS = 1_000;
