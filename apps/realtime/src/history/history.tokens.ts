/** Injects the `WorkerOptions` of the worker threads. */
export const WORKER_OPTIONS = Symbol('WorkerOptions');
