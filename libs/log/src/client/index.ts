export * from './admin.js';
export * from './connection.js';
export * from './consumer.js';
export * from './errors.js';
export * from './producer.js';
export * from './record.js';
export { createProducer } from './kafkajs-producer.js';
export { createAdmin } from './kafkajs-admin.js';
