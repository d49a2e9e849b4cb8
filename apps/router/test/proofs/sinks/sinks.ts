import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { startTestBroker } from '@hailstream/log/testing';
import { Random } from '@hailstream/service/testing';
import { startKafka } from '@hailstream/tools/kafka';
import { startOpenSearch } from '@hailstream/tools/opensearch';
import { startVersityGateway } from '@hailstream/tools/versitygw';
import { parseRouterFile } from '../../../src/router-file/router-file.js';
import { run, verify } from '../../_util.js';
import { VerifyingReceiver } from '../../_verifying-receiver.js';
import {
  digestsOf,
  requireCountsOfDuckDb,
  requireDeadLetters,
  requireEventsOnce,
  requireMirrored,
  requireSameDigests,
} from './audit.js';
import { deliverDisturbed, type StoppableSink } from './disturbed-job.js';
import { appendRecordedLog, FAMILIES } from './recorded-log.js';
import { WebhookAudit } from './webhook-audit.js';

const TOPICS = FAMILIES.map(({ topic }) => topic.name);
/** Those of the router's processes. */
const CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test-secret' };
const WEBHOOK_SECRET = `whsec_${Buffer.from('a secret of 32 bytes, in base64.').toString('base64')}`;
const SEARCH_HEAP = '1g';
const BLOCK_RECORDS = 10_000;

interface SinksOptions {
  readonly records: number;
  readonly kills: number;
  readonly seed: number;
  /** A recording of vehicles' movements. @default vehicles move at random */
  readonly recording: string | undefined;
  readonly onRecords: (delivered: number) => void;
}

/**
 * Delivers a log to versitygw, OpenSearch, Apache Kafka and a webhook at the same time, each job in a process that is killed
 * `kills` times, while each sink is stopped once.
 *
 * @throws Error if a sink does not have what its documentation promises
 */
export async function proveSinks({
  records,
  kills,
  seed,
  recording,
  onRecords,
}: SinksOptions): Promise<object> {
  const startedAt = performance.now();
  const random = new Random(seed);
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'hailstream-router-'));
  try {
    await using broker = await startTestBroker();
    await using gateway = await startVersityGateway(CREDENTIALS);
    await using search = await startOpenSearch({ heap: SEARCH_HEAP });
    await using kafka = await startKafka({ brokers: 1 });
    const log = await appendRecordedLog(broker, { records, random, recording });
    const webhook = new WebhookAudit(log);
    await using receiver = await VerifyingReceiver.start(WEBHOOK_SECRET, (batch) => {
      webhook.receive(batch);
      return 200;
    });
    const { endpoint } = gateway;
    const undisturbed = { bucket: 'undisturbed', folder: await gateway.createBucket('undisturbed') };
    const disturbed = { bucket: 'disturbed', folder: await gateway.createBucket('disturbed') };
    await run(broker, parsed(lakeJob('undisturbed', { endpoint, bucket: undisturbed.bucket })));
    const [address = ''] = kafka.addresses;
    const lake = lakeJob('lake', { endpoint, bucket: disturbed.bucket });
    const sinks: [object & { readonly name: string }, StoppableSink][] = [
      [lake, { stop: () => gateway.stop('SIGKILL'), restart: () => gateway.restart() }],
      [
        job('search', { type: 'opensearch', url: search.url, index: '{topic}-{yyyy.MM.dd}' }),
        {
          stop: () => search.stop('SIGKILL'),
          restart: () => search.restart(),
        },
      ],
      [
        job('mirror', { type: 'kafka', brokers: [address] }),
        { stop: () => kafka.kill(0), restart: () => kafka.restart(0) },
      ],
      [job('hook', { type: 'webhook', url: receiver.url }), receiver],
    ];
    const delivered = new Map<string, number>();
    const onProgress = (name: string, position: number) => {
      delivered.set(name, position);
      onRecords(Math.min(...sinks.map(([{ name: each }]) => delivered.get(each) ?? 0)));
    };
    const failure = new AbortController();
    const { signal } = failure;
    const common = { broker, records, kills, folder, env: { WEBHOOK_SECRET }, onProgress, signal };
    const delivering = sinks.map(async ([spec, sink]) => {
      const own = { random: new Random(random.below(2 ** 31)), job: { ...spec, topics: TOPICS }, sink };
      try {
        return [spec.name, await deliverDisturbed({ ...common, ...own })] as const;
      } catch (error) {
        failure.abort(error);
        throw error;
      }
    });
    // The processes of the other jobs have ended, too, before the sinks are stopped.
    await Promise.allSettled(delivering);
    const jobs = await Promise.all(delivering);
    const client = new S3Client({
      endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: CREDENTIALS,
    });
    const digests = await digestsOf(client, disturbed.bucket);
    requireSameDigests(digests, await digestsOf(client, undisturbed.bucket));
    client.destroy();
    const verification = await verify(broker, parsed(lake));
    if (!verification.ok) throw new Error(`verify: ${JSON.stringify(verification)}`);
    await requireCountsOfDuckDb(path.join(disturbed.folder, 'lake'), log);
    const documents = await requireEventsOnce(search.url, log);
    const mirrored = await requireMirrored(address, log);
    webhook.require();
    if (receiver.invalid > 0) throw new Error(`${receiver.invalid} webhooks had no valid signature`);
    await requireDeadLetters(broker, ['router-lake', 'router-search', 'router-hook'], log);
    return {
      records: log.records,
      events: log.events,
      unreadable: log.unreadable,
      objects: digests.size,
      documents,
      mirrored,
      repeatedByWebhook: webhook.repeated,
      jobs: Object.fromEntries(jobs),
      seconds: Math.round((performance.now() - startedAt) / 1_000),
    };
  } finally {
    await fs.rm(folder, { recursive: true });
  }
}

function job(name: string, sink: object, batching: object = {}) {
  return { name, topics: TOPICS, sink, batching };
}

function lakeJob(name: string, place: { readonly endpoint: string; readonly bucket: string }) {
  const sink = { type: 's3', ...place, prefix: 'lake/', forcePathStyle: true };
  return job(name, sink, { records: BLOCK_RECORDS, intervalSeconds: 3_600 });
}

function parsed(spec: object) {
  return parseRouterFile(JSON.stringify({ jobs: [spec] }), 'router.yaml');
}
