import { HttpServerProgram } from '../processes/http-server-program.js';
import { programFile } from '../repository.js';
import { cacheFolder } from '../third-party/config.js';
import { mavenClasspath } from '../third-party/maven.js';

const VERSION = '2.19.6';
const LOG4J_VERSION = '2.25.3';
const DEFAULT_HEAP = '512m';

const DEPENDENCIES = [
  ['org.opensearch', 'opensearch', VERSION],
  ['org.opensearch.plugin', 'transport-netty4-client', VERSION],
  // The logging backend: without it, errors are not printed.
  ['org.apache.logging.log4j', 'log4j-core', LOG4J_VERSION],
] as const;

/** A running OpenSearch node: a cluster of its own. */
export type RunningOpenSearch = Pick<HttpServerProgram, 'url' | 'stop' | 'restart'> & AsyncDisposable;

/**
 * Starts OpenSearch on a free port of 127.0.0.1, with empty data and without authentication. Maven downloads its jars once,
 * about 70 MB.
 *
 * @throws MissingNeedsError if Java or Maven is missing
 * @throws InstallError if the jars cannot be downloaded
 */
export async function startOpenSearch({
  heap = DEFAULT_HEAP,
}: {
  /** In the format of `-Xmx`. @default 512m */
  readonly heap?: string;
} = {}): Promise<RunningOpenSearch> {
  const what = `OpenSearch ${VERSION}`;
  const folder = cacheFolder(`opensearch-${VERSION}`);
  const classpath = await mavenClasspath({ what, folder, dependencies: DEPENDENCIES });
  const launcher = programFile('tools/src/opensearch/SearchNode.java');
  return HttpServerProgram.start({
    name: 'opensearch',
    readyPath: '/_cluster/health?wait_for_status=yellow&timeout=1s',
    commandFor: ({ host, port, folder: dataDir }) => ({
      command: 'java',
      args: [`-Xms${heap}`, `-Xmx${heap}`, '-cp', classpath, launcher, host, String(port), dataDir],
    }),
  });
}
