/** Injects the `RangeReader` of the log. */
export const RANGE_READER = Symbol('RangeReader');
/** Injects how far back the log is read at start, in milliseconds. */
export const REBUILD_MS = Symbol('RebuildMs');
