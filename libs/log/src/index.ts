export * from './client/index.js';
export { partitionName } from './protocol/partition-name.js';
