/** Injects the `City` that the page draws. */
export const CITY = Symbol('City');

/** Injects the `PageCommands`. */
export const PAGE_COMMANDS = Symbol('PageCommands');
