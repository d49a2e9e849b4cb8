export { ConfigFileError, fileIssues } from './file-issues.js';
export * from './groups.js';
export { ConfigError, type ConfigIssue, parseDuration, readEnv } from './read-env.js';
export * as Env from './variables.js';
