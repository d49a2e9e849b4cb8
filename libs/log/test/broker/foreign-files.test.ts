import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startBroker } from '../../src/broker/index.js';
import { makeRecordBatch } from '../../src/protocol/records.js';
import { RawClient } from './raw-client.js';

const TOPIC_ID = '0123456789abcdef0123456789abcdef';
/** Names that operators, file systems and other programs use, and one that only a broker uses. */
const FOREIGN_FOLDERS = [
  'backup-20261128',
  'lost+found',
  'notes',
  'x.tmp',
  'old.deleted',
  'y-delete',
  'a-1.b-delete',
];
const NAMED_AS_DELETED = [`rides-0.${TOPIC_ID}.deleted`, `rides-0.${TOPIC_ID}-delete`];

let dataDir: string;
let lines: { level: number; msg: string; names?: string[]; folder?: string }[];

beforeEach(async () => {
  dataDir = await fs.mkdtemp(path.join(os.tmpdir(), 'hailstream-foreign-'));
  lines = [];
});
afterEach(async () => {
  await fs.rm(dataDir, { recursive: true });
});

const logger = () => pino({ level: 'warn' }, { write: (line) => void lines.push(JSON.parse(line)) });
const start = () => startBroker({ dataDir, port: 0, logger: logger() });

async function startAgain(): Promise<void> {
  const broker = await start();
  await broker.stop();
}

async function putFile(...names: string[]): Promise<string> {
  const file = path.join(dataDir, ...names);
  await fs.mkdir(path.dirname(file), { recursive: true });
  await fs.writeFile(file, 'mine');
  return file;
}

async function createTopic(port: number, name: string, numPartitions = 1): Promise<number> {
  using client = await RawClient.connect(port);
  const asked = { name, numPartitions, replicationFactor: 1, assignments: [], configs: [] };
  const { topics } = await client.call<{ topics: { errorCode: number }[] }>(19, 4, {
    topics: [asked],
    timeoutMs: 1000,
    validateOnly: false,
  });
  return topics[0]?.errorCode as number;
}

async function deleteTopic(port: number, name: string): Promise<void> {
  using client = await RawClient.connect(port);
  await client.call(20, 4, { topicNames: [name], timeoutMs: 1000 });
}

async function append(port: number, topic: string): Promise<void> {
  using client = await RawClient.connect(port);
  const records = [makeRecordBatch([{ key: null, value: Buffer.from('v') }], BigInt(Date.now()))];
  const partitions = [{ index: 0, records }];
  await client.call(0, 9, {
    transactionalId: null,
    acks: -1,
    timeoutMs: 1000,
    topics: [{ name: topic, partitions }],
  });
}

describe('unknown files and folders in the data directory', () => {
  it('are kept unchanged and reported in one warning', async () => {
    await startAgain();
    const foreignFiles = [
      await putFile('readme.txt'),
      await putFile('topics.json.bak'),
      await putFile('z.tmp'),
    ];
    for (const folder of [...FOREIGN_FOLDERS, ...NAMED_AS_DELETED])
      foreignFiles.push(await putFile(folder, 'precious.txt'));
    await startAgain();
    await startAgain();
    for (const file of foreignFiles) expect(await fs.readFile(file, 'utf8')).toBe('mine');
    const warned = lines.filter(({ names }) => names !== undefined);
    expect(warned).toHaveLength(2);
    expect(warned[0]?.names).toEqual(
      expect.arrayContaining(['backup-20261128', 'notes', 'x.tmp', 'readme.txt', 'y-delete']),
    );
  });

  it('are kept if they are an unknown partition with records', async () => {
    const broker = await start();
    await createTopic(broker.port, 'rides');
    await append(broker.port, 'rides');
    await broker.stop();
    // The state after an older topics.json was restored.
    const file = path.join(dataDir, 'topics.json');
    const stored = JSON.parse(await fs.readFile(file, 'utf8')) as { topics: { name: string }[] };
    stored.topics = stored.topics.filter(({ name }) => name !== 'rides');
    await fs.writeFile(file, JSON.stringify(stored));
    await startAgain();
    const log = path.join(dataDir, 'rides-0', '00000000000000000000.log');
    expect((await fs.stat(log)).size).toBeGreaterThan(0);
  });

  it('are renamed if a topic needs their name', async () => {
    const broker = await start();
    await putFile('notes-1', 'precious.txt');
    expect(await createTopic(broker.port, 'notes', 2)).toBe(0);
    await append(broker.port, 'notes');
    await deleteTopic(broker.port, 'notes');
    await broker.stop();
    const names = (await fs.readdir(dataDir)).filter((name) => name.startsWith('notes'));
    expect(names).toEqual([expect.stringMatching(/^notes-1\.[0-9a-f]{32}-stray$/)]);
    expect(await fs.readdir(path.join(dataDir, names[0] as string))).toEqual(['precious.txt']);
    expect(lines.map(({ msg }) => msg).join()).toMatch(/renamed/);
  });

  it('are kept in the folder of a partition, deleted or not', async () => {
    let broker = await start();
    await createTopic(broker.port, 'rides');
    const foreignFiles = ['00000000000000000123.log.bak', 'notes.tmp', 'copy.cleaned', 'sub/precious.txt'];
    for (const name of foreignFiles) await putFile('rides-0', name);
    await broker.stop();
    broker = await start();
    for (const name of foreignFiles)
      expect(await fs.readFile(path.join(dataDir, 'rides-0', name), 'utf8')).toBe('mine');
    await deleteTopic(broker.port, 'rides');
    await broker.stop();
    const folder = (await fs.readdir(dataDir)).find((name) => name.startsWith('rides-0')) as string;
    const left = await fs.readdir(path.join(dataDir, folder));
    expect(left.toSorted()).toEqual(['00000000000000000123.log.bak', 'copy.cleaned', 'notes.tmp', 'sub']);
    expect(lines.map(({ msg }) => msg).join()).toMatch(/it has unknown files/);
  });

  it('do not prevent a broker from starting on a new data directory', async () => {
    const file = await putFile('notes-2', 'precious.txt');
    await startAgain();
    expect(await fs.readFile(file, 'utf8')).toBe('mine');
  });
});
