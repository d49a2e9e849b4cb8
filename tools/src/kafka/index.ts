export { kafkaClasspath } from './classpath.js';
export { startKafka, type RunningKafka } from './cluster.js';
export { kafkaTool } from './tool.js';
