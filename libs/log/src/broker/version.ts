/** This package's version: what `--version` prints and the log says at start. */
export const VERSION = '0.1.0';
