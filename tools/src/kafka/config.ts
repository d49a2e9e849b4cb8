import { homedir } from 'node:os';
import { join } from 'node:path';

export const KAFKA_VERSION = '4.3.1';

/** Folder of Apache Kafka, with its jars in `libs`: `KAFKA_HOME`, else one in the user's cache. */
export function kafkaHome(env: NodeJS.ProcessEnv = process.env): string {
  const home = env['KAFKA_HOME'];
  if (home !== undefined && home !== '') return home;
  return join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'hailstream', `kafka-${KAFKA_VERSION}`);
}
