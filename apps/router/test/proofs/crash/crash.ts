import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { removeMembers, startTestBroker } from '@hailstream/log/testing';
import { Random, until } from '@hailstream/service/testing';
import { parseRouterFile } from '../../../src/router-file/router-file.js';
import { TestS3Server } from '../../_s3-server.js';
import { run, verify } from '../../_util.js';
import { readLog, requireCommittedEnds, requireEachRecordOnce, requireSameObjects } from './audit.js';
import { disturb } from './disturbance.js';
import { appendRandomLog, type RandomLog } from './random-log.js';

/** Rounds wait for processes to start, so several run at the same time. */
const CONCURRENT_ROUNDS = 4;
const MAX_LIVES = 2;
const GROWING = 0.4;
const PART_BYTES = 5 * 1_048_576;

interface CrashOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly onRound?: (round: number) => void;
}

/** The result of a run. */
interface CrashReport {
  kills: number;
  faults: number;
  objects: number;
  records: number;
  /** Objects that were uploaded in parts. */
  inParts: number;
  /** Rounds with Parquet. */
  parquet: number;
  /** Rounds in which the log grew while it was delivered. */
  growing: number;
  /** Rounds whose objects had to be those of an undisturbed run. */
  compared: number;
}

/**
 * Kills routers at random moments while the object store fails.
 *
 * @throws Error if the objects are not those of an undisturbed run
 */
export async function proveCrash({ rounds, seed, onRound }: CrashOptions): Promise<CrashReport> {
  const total: CrashReport = {
    kills: 0,
    faults: 0,
    objects: 0,
    records: 0,
    inParts: 0,
    parquet: 0,
    growing: 0,
    compared: 0,
  };
  const remaining = Array.from({ length: rounds }, (_, round) => seed + round).values();
  let done = 0;
  let isFailed = false;
  const work = async () => {
    for (const roundSeed of remaining) {
      if (isFailed) return;
      const report = await proveRound(roundSeed).catch((cause: unknown) => {
        isFailed = true;
        const again = `prove crash --rounds 1 --seed ${roundSeed}`;
        throw new Error(`${(cause as Error).message}; again: ${again}`, { cause });
      });
      for (const name of Object.keys(total) as (keyof CrashReport)[]) total[name] += report[name];
      done += 1;
      onRound?.(done);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT_ROUNDS }, work));
  return total;
}

async function proveRound(seed: number): Promise<CrashReport> {
  const random = new Random(seed);
  await using broker = await startTestBroker();
  await using rehearsed = await TestS3Server.start();
  await using disturbed = await TestS3Server.start();
  const format = random.pick(['ndjson.gz', 'parquet'] as const);
  const isGrowing = random.chance(GROWING);
  await using log = await appendRandomLog(broker, random, { hasFamilies: format === 'parquet', isGrowing });
  const settings = randomSettings(log, random, format);
  await run(broker, jobs('rehearsal', rehearsed, settings));
  // `run` closes a block at the end of the log, `serve` waits for more records: the objects depend on both if the log grows.
  const commands = random.pick([['serve'], ['run', 'serve']] as const);
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'hailstream-router-'));
  const configFile = path.join(folder, 'router.yaml');
  await fs.writeFile(configFile, routerFile('disturbed', disturbed, settings));
  const groupId = 'router-disturbed';
  let kills = 0;
  let faults = 0;
  try {
    const lives = 1 + random.below(MAX_LIVES);
    for (let life = 0; life < lives; life += 1) {
      const counts = await disturb(disturbed, {
        random,
        broker,
        groupId,
        configFile,
        commands,
        ...(isGrowing && { grow: () => log.grow() }),
        oneAtATime: log.isLarge,
        requests: Math.ceil(rehearsed.requests.length / lives),
      });
      kills += counts.kills;
      faults += counts.faults;
      // The processes are dead: the broker would wait for their sessions to expire.
      await until(async () => {
        await removeMembers(broker, groupId);
        return true;
      });
    }
  } finally {
    await fs.rm(folder, { recursive: true });
  }
  const [job] = jobs('disturbed', disturbed, settings);
  await run(broker, [job!]);
  await using undisturbed = await TestS3Server.start();
  if (isGrowing) await run(broker, jobs('undisturbed', undisturbed, settings));
  const isDetermined = !isGrowing || !commands.some((command) => command === 'run');
  if (isDetermined) requireSameObjects(disturbed, isGrowing ? undisturbed : rehearsed);
  const verification = await verify(broker, [job!]);
  if (!verification.ok) throw new Error(`verify: ${JSON.stringify(verification)}`);
  const read = await readLog(broker, log);
  const { partitionBy } = settings;
  await requireEachRecordOnce(read, { objects: disturbed.objects, partitionBy, groupId });
  await requireCommittedEnds(broker, groupId, log.topics);
  if (disturbed.uploads.size > 0)
    throw new Error(`${disturbed.uploads.size} multipart uploads are left open`);
  return {
    kills,
    faults,
    objects: disturbed.objects.size,
    records: read.records.length,
    inParts: [...disturbed.objects.values()].filter(({ bytes }) => bytes.length > PART_BYTES).length,
    parquet: format === 'parquet' ? 1 : 0,
    growing: isGrowing ? 1 : 0,
    compared: isDetermined ? 1 : 0,
  };
}

interface Settings {
  readonly topics: readonly string[];
  readonly format: 'ndjson.gz' | 'parquet';
  readonly records: number;
  readonly intervalSeconds: number;
  readonly concurrency: number;
  readonly partitionBy: 'event-time' | 'received-time';
  readonly prefix: string;
}

/** Blocks have several records each, so that a round needs few requests. */
function randomSettings(
  { topics, stepMs, isLarge }: RandomLog,
  random: Random,
  format: Settings['format'],
): Settings {
  const intervalSeconds = Math.ceil((stepMs * random.pick([10, 40, 1_000])) / 1_000);
  return {
    topics,
    format,
    records: isLarge ? 100_000 : random.pick([4, 10, 25, 100_000]),
    intervalSeconds: Math.min(intervalSeconds, 86_400),
    concurrency: 1 + random.below(4),
    partitionBy: random.pick(['event-time', 'received-time']),
    prefix: random.pick(['', 'lake/']),
  };
}

function jobs(name: string, s3: TestS3Server, settings: Settings) {
  return parseRouterFile(routerFile(name, s3, settings), 'router.yaml');
}

function routerFile(name: string, s3: TestS3Server, settings: Settings): string {
  const { topics, format, records, intervalSeconds, concurrency, partitionBy, prefix } = settings;
  const sink = {
    type: 's3',
    endpoint: s3.endpoint,
    bucket: s3.bucket,
    forcePathStyle: true,
    format,
    partitionBy,
    prefix,
    partBytes: PART_BYTES,
  };
  return JSON.stringify({
    jobs: [{ name, topics, sink, batching: { records, intervalSeconds }, concurrency }],
  });
}
