/**
 * Options of Node for ingest, also in docker-compose.yml and deploy/kubernetes. Most objects of a request live until the log has
 * acknowledged it: with V8's default of 16 MiB, many are copied twice before they are garbage.
 */
export const INGEST_V8_OPTIONS: readonly string[] = ['--max-semi-space-size=32'];
