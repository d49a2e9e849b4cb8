export { kafkaClasspath } from './classpath.js';
export { startKafka, type KafkaOptions, type RunningKafka } from './cluster.js';
export { KafkaError, type KafkaErrorCode } from './kafka-error.js';
export { kafkaTool, startKafkaTool, type KafkaToolOptions, type KafkaToolResult } from './tool.js';
