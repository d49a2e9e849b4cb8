import { cacheFolder } from '../third-party/config.js';

export const KAFKA_VERSION = '4.3.1';

/** Folder of Apache Kafka, with its jars in `libs`: `KAFKA_HOME`, else one in the user's cache. */
export function kafkaHome(env: NodeJS.ProcessEnv = process.env): string {
  return env['KAFKA_HOME'] || cacheFolder(`kafka-${KAFKA_VERSION}`, env);
}
