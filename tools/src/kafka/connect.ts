import { cacheFolder } from '../third-party/config.js';
import { mavenClasspath } from '../third-party/maven.js';
import { LOG4J_VERSION } from './classpath.js';
import { KAFKA_VERSION } from './config.js';

/** Later versions need jars that Maven Central does not have. */
const JDBC_SINK_VERSION = '3.5.0.Final';
const POSTGRES_DRIVER_VERSION = '42.7.14';

const DEPENDENCIES = [
  ['org.apache.kafka', 'connect-runtime', KAFKA_VERSION],
  ['org.apache.kafka', 'connect-json', KAFKA_VERSION],
  ['org.apache.kafka', 'connect-transforms', KAFKA_VERSION],
  ['io.debezium', 'debezium-connector-jdbc', JDBC_SINK_VERSION],
  ['org.postgresql', 'postgresql', POSTGRES_DRIVER_VERSION],
  ['org.apache.logging.log4j', 'log4j-slf4j-impl', LOG4J_VERSION],
  ['org.apache.logging.log4j', 'log4j-core', LOG4J_VERSION],
] as const;

/** Kafka Connect and its JDBC sink, with their versions. */
export const KAFKA_CONNECT_JDBC = `Kafka Connect ${KAFKA_VERSION} with Debezium's JDBC sink ${JDBC_SINK_VERSION}`;

/**
 * The class path of Kafka Connect with the JDBC sink of Debezium (Apache License 2.0) and the driver of Postgres. Maven
 * downloads the jars once, about 75 MB.
 *
 * @throws MissingNeedsError if Java or Maven is missing
 * @throws InstallError if the jars cannot be downloaded
 */
export function kafkaConnectClasspath(): Promise<string> {
  const folder = cacheFolder(`kafka-connect-${KAFKA_VERSION}-jdbc-${JDBC_SINK_VERSION}`);
  return mavenClasspath({ what: KAFKA_CONNECT_JDBC, folder, dependencies: DEPENDENCIES });
}
