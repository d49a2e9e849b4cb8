export { ConfigFileError, fileIssues } from './file-issues.js';
export * from './groups.js';
export { ConfigError, parseDuration, readEnv } from './read-env.js';
export * as Env from './variables.js';
