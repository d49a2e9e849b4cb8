export { CommandHelp } from './command-help.js';
export { commandUsage } from './command-usage.js';
export { parseOptions, parsePositionals } from './parse-options.js';
export { UsageError } from './usage-error.js';
