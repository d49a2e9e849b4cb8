/** Injects the `City` that the map is drawn over. */
export const CITY = Symbol('City');
