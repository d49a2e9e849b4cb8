/** Injects the `City` that the page draws. */
export const CITY = Symbol('City');
