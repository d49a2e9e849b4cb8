export * from './groups.js';
export { ConfigError, readEnv } from './read-env.js';
export * as Env from './variables.js';
