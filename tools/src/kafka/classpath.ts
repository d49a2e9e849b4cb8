import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { ensureNeeds } from '../needs.js';
import { kafkaHome, KAFKA_VERSION } from './config.js';
import { COPY_GOAL, POM } from './pom.js';

const run = promisify(execFile);

/** `NO_JARS`: the jars could not be downloaded. `FAILED`: a broker or a tool failed. */
type KafkaErrorCode = 'NO_JARS' | 'FAILED';

/** Apache Kafka could not be downloaded or started; the message includes its last output. */
export class KafkaError extends Error {
  override readonly name = 'KafkaError';

  constructor(
    readonly code: KafkaErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Time limit of the download, about 130 MB. */
const FETCH_TIMEOUT_MS = 15 * 60_000;
const PROGRESS_EVERY_MS = 5_000;
const OUTPUT_TAIL_CHARS = 2_000;

/**
 * The class path of Apache Kafka and its command-line tools. Maven downloads the jars once; any number of processes may
 * call this at the same time.
 *
 * @throws MissingNeedsError if Java or Maven is missing
 * @throws KafkaError if the jars cannot be downloaded
 */
export async function kafkaClasspath(): Promise<string> {
  const home = resolve(kafkaHome());
  const libs = join(home, 'libs');
  await ensureNeeds('Apache Kafka', ['java']);
  if (!(await exists(join(libs, `kafka-clients-${KAFKA_VERSION}.jar`)))) {
    if (await exists(libs))
      throw new KafkaError(
        'NO_JARS',
        `KAFKA_HOME: expected the folder of Apache Kafka ${KAFKA_VERSION}, but ${libs} does not have its jars`,
      );
    await ensureNeeds('Apache Kafka', ['maven']);
    await fetchJars(home, libs);
  }
  return join(libs, '*');
}

/** Downloads into a temporary folder, which is renamed when it is complete. */
async function fetchJars(home: string, libs: string): Promise<void> {
  await mkdir(home, { recursive: true });
  const unfinished = await mkdtemp(join(home, 'fetching-'));
  const startedAt = performance.now();
  const progress = setInterval(() => {
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
    process.stderr.write(`Downloading Apache Kafka ${KAFKA_VERSION} into ${home} … ${seconds} s\n`);
  }, PROGRESS_EVERY_MS);
  try {
    const jars = join(unfinished, 'libs');
    const pomFile = join(unfinished, 'pom.xml');
    await writeFile(pomFile, POM);
    const goal = [COPY_GOAL, `-DoutputDirectory=${jars}`, '-DincludeScope=runtime'];
    await run('mvn', ['-q', '-B', '-f', pomFile, ...goal], { timeout: FETCH_TIMEOUT_MS });
    await rename(jars, libs).catch((error: NodeJS.ErrnoException) => {
      // Another process has downloaded them in the meantime.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    const output = (stdout + stderr).trim().slice(-OUTPUT_TAIL_CHARS);
    throw new KafkaError('NO_JARS', `Maven could not download Apache Kafka: ${output || String(error)}`, {
      cause: error,
    });
  } finally {
    clearInterval(progress);
    await rm(unfinished, { recursive: true, force: true });
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
