/**
 * Options of Node for ingest, also in docker-compose.yml and deploy/kubernetes. Most objects of a request live until the log has
 * acknowledged it: with V8's default of 16 MiB, many are copied twice before they are garbage.
 */
export const INGEST_V8_OPTIONS: readonly string[] = ['--max-semi-space-size=32'];

/**
 * Options of Node for the embedded broker. Few of its objects live longer than a request: a young generation that fits the
 * processor's cache costs less time than V8's default of 16 MiB, and less memory.
 */
export const BROKER_V8_OPTIONS: readonly string[] = ['--max-semi-space-size=4'];
