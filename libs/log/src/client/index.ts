export * from './admin.js';
export * from './connection.js';
export * from './consumer.js';
export * from './errors.js';
export * from './producer.js';
export * from './record.js';
