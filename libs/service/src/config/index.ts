export { ConfigError, type ConfigIssue } from './config.error.js';
export * from './groups.js';
export { readEnv } from './read-env.js';
export * as Env from './variables.js';
