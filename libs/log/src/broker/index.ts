export { startBroker, type Broker, type BrokerOptions } from './broker.js';
export { SettingError } from './config/settings.js';
export type { Fault } from './network/faults.js';
export { ListenError } from './network/server.js';
export { DataDirError } from './storage/files/data-dir-lock.js';
export type { FileSystem, LogFile } from './storage/files/file-system.js';
