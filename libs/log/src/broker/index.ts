export { startBroker, type Broker, type BrokerOptions } from './broker.js';
export type { FileSystem } from './storage/files/file-system.js';
