/** Injects the `WorkerOptions` of the worker threads. */
export const WORKER_OPTIONS = Symbol('WorkerOptions');

/** Injects the `HistoryLimits`. */
export const HISTORY_LIMITS = Symbol('HistoryLimits');
