/** Injects how far back the log is read at start, in milliseconds. */
export const REBUILD_MS = Symbol('RebuildMs');
