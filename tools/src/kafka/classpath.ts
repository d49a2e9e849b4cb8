import { join, resolve } from 'node:path';
import { exists } from '../third-party/install.js';
import { mavenClasspath } from '../third-party/maven.js';
import { kafkaHome, KAFKA_VERSION } from './config.js';

export const LOG4J_VERSION = '2.25.3';

const DEPENDENCIES = [
  ['org.apache.kafka', 'kafka_2.13', KAFKA_VERSION],
  ['org.apache.kafka', 'kafka-tools', KAFKA_VERSION],
  // The logging backend of both: without it, their errors are not printed.
  ['org.apache.logging.log4j', 'log4j-slf4j-impl', LOG4J_VERSION],
  ['org.apache.logging.log4j', 'log4j-core', LOG4J_VERSION],
] as const;

/** `NO_JARS`: `KAFKA_HOME` does not have the jars. `FAILED`: a broker or a tool failed. */
type KafkaErrorCode = 'NO_JARS' | 'FAILED';

/** Apache Kafka could not be found or started; the message includes its last output. */
export class KafkaError extends Error {
  override readonly name = 'KafkaError';

  constructor(
    readonly code: KafkaErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/**
 * The class path of Apache Kafka and its command-line tools, about 130 MB. Maven downloads the jars once; any number of
 * processes may call this at the same time.
 *
 * @throws MissingNeedsError if Java or Maven is missing
 * @throws InstallError if the jars cannot be downloaded
 * @throws KafkaError if `KAFKA_HOME` is another folder than one of this version
 */
export async function kafkaClasspath(): Promise<string> {
  const folder = join(resolve(kafkaHome()), 'libs');
  const what = `Apache Kafka ${KAFKA_VERSION}`;
  const classpath = await mavenClasspath({ what, folder, dependencies: DEPENDENCIES });
  if (await exists(join(folder, `kafka-clients-${KAFKA_VERSION}.jar`))) return classpath;
  throw new KafkaError(
    'NO_JARS',
    `KAFKA_HOME: expected the folder of ${what}, but ${folder} does not have its jars`,
  );
}
