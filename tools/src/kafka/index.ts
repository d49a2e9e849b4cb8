export { kafkaClasspath } from './classpath.js';
export { startKafka, type RunningKafka } from './cluster.js';
export { KAFKA_CONNECT_JDBC, kafkaConnectClasspath } from './connect.js';
export { kafkaTool } from './tool.js';
