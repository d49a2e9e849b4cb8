/** Injects the `HistoryOptions`. */
export const HISTORY_OPTIONS = Symbol('HistoryOptions');
