import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureNeeds } from '../needs.js';
import { HttpServerProgram } from '../processes/http-server-program.js';
import { cacheFolder, goEnvironment } from '../third-party/config.js';
import { installOnce } from '../third-party/install.js';

const VERSION = '1.8.0';
const PACKAGE = 'github.com/versity/versitygw/cmd/versitygw';

/** A running object store. */
export interface RunningGateway extends Pick<HttpServerProgram, 'stop' | 'restart'>, AsyncDisposable {
  /** URL of the S3 API. */
  readonly endpoint: string;
  /** Creates a bucket, and returns the folder that has its objects as files. */
  createBucket(name: string): Promise<string>;
}

/**
 * Starts versitygw, an S3 server whose buckets are folders, on a free port of 127.0.0.1, with empty data. Go downloads and
 * compiles it once.
 *
 * @throws MissingNeedsError if Go is missing
 * @throws InstallError if it cannot be compiled
 */
export async function startVersityGateway(credentials: {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}): Promise<RunningGateway> {
  const { accessKeyId, secretAccessKey } = credentials;
  const what = `versitygw ${VERSION}`;
  await ensureNeeds(what, ['go']);
  const folder = cacheFolder(`versitygw-${VERSION}`);
  await installOnce(what, folder, (unfinished) => [
    { command: 'go', args: ['install', `${PACKAGE}@v${VERSION}`], env: goEnvironment(unfinished) },
  ]);
  const buckets = (dataDir: string): string => join(dataDir, 'buckets');
  const program = await HttpServerProgram.start({
    name: 'versitygw',
    readyPath: '/health',
    prepare: (dataDir) => mkdir(buckets(dataDir)),
    commandFor: ({ host, port, folder: dataDir }) => ({
      command: join(folder, 'versitygw'),
      args: [
        ...['--port', `${host}:${port}`, '--health', '/health', '--quiet'],
        ...['--access', accessKeyId, '--secret', secretAccessKey],
        ...['posix', buckets(dataDir)],
      ],
    }),
  });
  return {
    endpoint: program.url,
    createBucket: async (name) => {
      const bucket = join(buckets(program.dataDir), name);
      await mkdir(bucket);
      return bucket;
    },
    stop: (signal) => program.stop(signal),
    restart: () => program.restart(),
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}
