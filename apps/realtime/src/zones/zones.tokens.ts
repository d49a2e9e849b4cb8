/** Injects `readonly Zone[]`: those of the zones file. */
export const FILE_ZONES = Symbol('FileZones');
