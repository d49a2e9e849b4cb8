import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { batchGroup, deadLetterTopic } from '@hailstream/events';
import { createAdmin, createProducer, REDRIVE_HEADERS } from '@hailstream/log';
import { startTestBroker } from '@hailstream/log/testing';
import { Random, until } from '@hailstream/service/testing';
import { describe, expect, it } from 'vitest';
import { parseRouterFile, type JobSpec } from '../src/router-file/router-file.js';
import {
  CommandProcess,
  ends,
  FIRST_RECEIVED_MS,
  letter,
  list,
  redrive,
  redrivesById,
  redriveWithKills,
  show,
  writeLetters,
} from './_dead-letters.js';
import { TestOpenSearchServer } from './_opensearch-server.js';
import { readCommitted } from './_kafkajs.js';
import { TestS3Server } from './_s3-server.js';
import { appendPoints, connectionTo, run, s3Job, searchJob, silent, TELEMETRY, verify } from './_util.js';

const numbers = (count: number, first = 0) => Array.from({ length: count }, (_, index) => first + index);

describe('dead-letters list', () => {
  it('groups open dead letters by group, topic and reason, and filters them', async () => {
    await using broker = await startTestBroker();
    await writeLetters(
      broker,
      numbers(3).map((n) => letter(n)),
    );
    await writeLetters(broker, [
      letter(0),
      letter(7, { groupId: 'router-lake', reason: new Error('not JSON') }),
    ]);
    const all = await list(broker);
    expect(all).toMatchObject({ total: 4, truncated: false });
    expect(all.groups.toSorted((one, other) => one.count - other.count)).toMatchObject([
      { group: 'router-lake', topic: TELEMETRY, count: 1, redriven: 0, reason: 'not JSON' },
      { group: 'router-search', count: 3, pattern: 'field [speed] of record # cannot be parsed' },
    ]);
    const totals = async (filter: Parameters<typeof list>[1]) => (await list(broker, filter)).total;
    expect(await totals({ groupId: 'router-lake' })).toBe(1);
    expect(await totals({ topic: 'ride.trips' })).toBe(0);
    expect(await totals({ reason: 'record 2 cannot' })).toBe(1);
    expect(await totals({ reason: 'record # cannot' })).toBe(3);
    expect(await totals({ sinceMs: Date.now() + 60_000 })).toBe(0);
    expect(await totals({ untilMs: Date.now() - 60_000 })).toBe(0);
  });

  it('lists nothing, and creates nothing, if the log has no dead-letter topic', async () => {
    await using broker = await startTestBroker();
    expect(await list(broker)).toMatchObject({ total: 0, groups: [] });
    expect(await redrive(broker)).toMatchObject({ outcome: 'complete', redriven: 0 });
    expect(await list(broker)).toMatchObject({ total: 0 });
  });
});

describe('dead-letters show', () => {
  it('has the whole record, as text or in hexadecimal', async () => {
    await using broker = await startTestBroker();
    const bytes = Buffer.from([0xff, 0x00]);
    const record = { offset: 5n, key: bytes, value: null, headers: {}, timestampMs: 1_700_000_000_000 };
    await writeLetters(broker, [letter(0), letter(5, { record })]);
    const ids = (await list(broker)).deadLetters.map(({ id }) => id).toSorted();
    expect(await show(broker, ids[0]!)).toMatchObject({
      group: 'router-search',
      partition: 0,
      offset: '0',
      attempts: 1,
      redrives: 0,
      redrivenAt: null,
      receivedAt: new Date(FIRST_RECEIVED_MS).toISOString(),
      reason: 'field [speed] of record 0 cannot be parsed',
      key: { content: 'vehicle-0', encoding: 'utf8' },
      headers: [{ name: 'trace', value: { content: 'trace-0' } }],
      value: { content: '{"number":0}', sizeBytes: 12 },
    });
    expect(await show(broker, ids[1]!)).toMatchObject({
      key: { content: 'ff00', encoding: 'hex', sizeBytes: 2 },
      headers: [],
      value: null,
    });
  });
});

describe('dead-letters redrive', () => {
  it('appends the record to its partition again, unchanged, for its group', async () => {
    await using broker = await startTestBroker();
    await writeLetters(broker, [letter(5)]);
    const { id } = (await list(broker)).deadLetters[0]!;
    expect(await redrive(broker, { selection: { kind: 'ids', ids: [id] } })).toMatchObject({
      outcome: 'complete',
      redriven: 1,
      remaining: 0,
      refused: [],
    });
    const [record, ...others] = await readCommitted(broker, TELEMETRY);
    expect(others).toEqual([]);
    const { partition, key, value, timestamp, headers } = record!;
    expect({ partition, key: String(key), value: String(value), timestamp }).toEqual({
      partition: 5,
      key: 'vehicle-5',
      value: '{"number":5}',
      timestamp: String(FIRST_RECEIVED_MS + 5),
    });
    expect(Object.entries(headers!).map(([name, bytes]) => [name, String(bytes)])).toEqual([
      ['trace', 'trace-5'],
      [REDRIVE_HEADERS.id, id],
      [REDRIVE_HEADERS.group, 'router-search'],
      [REDRIVE_HEADERS.count, '1'],
    ]);
    expect(await list(broker)).toMatchObject({ total: 0 });
    expect(await show(broker, id)).toMatchObject({ redrivenAt: expect.any(String) as string });
    // Written again, because its consumer was killed before it committed its position.
    await writeLetters(broker, [letter(5)]);
    expect(await redrive(broker)).toMatchObject({ redriven: 0 });
    expect(await redrive(broker, { selection: { kind: 'ids', ids: [id] } })).toMatchObject({
      redriven: 0,
      refused: [{ reason: 'was redriven before', count: 1, ids: [id] }],
    });
    expect(await redrivesById(broker)).toEqual(new Map([[id, 1]]));
  });

  it('appends a record that the retention would delete with the present time', async () => {
    await using broker = await startTestBroker({ settings: { 'log.retention.check.interval.ms': '50' } });
    const timestampMs = 1_700_000_000_000;
    const old = letter(0);
    if (old.kind !== 'record') throw new Error('expected a record');
    const { offset, key, value, headers } = old.record;
    await writeLetters(broker, [{ ...old, record: { offset, key, value, headers, timestampMs } }]);
    expect(await redrive(broker)).toMatchObject({ redriven: 1 });
    // Another record as old as the original one, in partition 1: it is deleted.
    const connection = connectionTo(broker);
    await using producer = createProducer({ connection, logger: silent });
    await producer.send([{ topic: TELEMETRY, partition: 1, key: null, value: 'old', timestampMs }]);
    await using admin = createAdmin({ connection, logger: silent });
    await until(async () => (await admin.offsets(TELEMETRY)).get(1)?.earliest === 1n);
    const [record, ...others] = await readCommitted(broker, TELEMETRY);
    expect(others).toEqual([]);
    expect(String(record!.value)).toBe('{"number":0}');
    expect(String(record!.headers![REDRIVE_HEADERS.timestamp])).toBe(String(timestampMs));
  });

  it('writes nothing with --dry-run', async () => {
    await using broker = await startTestBroker();
    await writeLetters(
      broker,
      numbers(30).map((n) => letter(n)),
    );
    const before = await ends(broker);
    expect(await redrive(broker, { isDryRun: true })).toMatchObject({ dryRun: true, redriven: 30 });
    expect(await ends(broker)).toBe(before);
    expect(await redrive(broker)).toMatchObject({ redriven: 30 });
  });

  it('redrives those that match a filter', async () => {
    await using broker = await startTestBroker();
    await writeLetters(broker, [
      letter(0),
      letter(1, { groupId: 'router-lake' }),
      letter(2, { topic: 'ride.trips' }),
    ]);
    const selection = { kind: 'filter', filter: { groupId: 'router-search', topic: TELEMETRY } } as const;
    expect(await redrive(broker, { selection })).toMatchObject({ redriven: 1 });
    expect((await list(broker)).deadLetters.map(({ partition }) => partition).toSorted()).toEqual([1, 2]);
  });

  it('refuses what it cannot redrive, with the reason, and redrives the others', async () => {
    await using broker = await startTestBroker();
    const huge = { offset: 3n, key: null, value: randomBytes(1_100_000), headers: {}, timestampMs: 1 };
    const batch: Parameters<typeof writeLetters>[1][number] = {
      kind: 'batch',
      topic: TELEMETRY,
      partition: 0,
      baseOffset: 9n,
      lastOffset: 12n,
      reason: new Error('damaged'),
      bytes: Buffer.from('raw'),
      sha256: 'ab',
      groupId: 'router-lake',
    };
    await writeLetters(broker, [
      letter(0),
      letter(1, { groupId: batchGroup }),
      letter(2, { topic: 'gone' }),
      letter(3, { record: huge }),
      letter(4, { partition: 99 }),
      batch,
    ]);
    const { outcome, redriven, refused } = await redrive(broker);
    expect({ outcome, redriven }).toEqual({ outcome: 'complete', redriven: 1 });
    expect(refused.map(({ reason, count }) => [reason, count]).toSorted()).toEqual([
      ['batch loads its records again: npm run batch -- retry-rejects', 1],
      ['is a batch that cannot be decoded', 1],
      ['the record was too large to be kept', 1],
      ['topic "gone" does not exist', 1],
      [`topic "${TELEMETRY}" has no partition 99`, 1],
    ]);
    expect((await list(broker)).total).toBe(5);
  });
});

describe('a redrive that is interrupted', () => {
  it('continues after it was cancelled', async () => {
    await using broker = await startTestBroker();
    await writeLetters(
      broker,
      numbers(100).map((n) => letter(n)),
    );
    const stop = new AbortController();
    const cancelled = await redrive(broker, {
      chunkLetters: 10,
      signal: stop.signal,
      onProgress: ({ done }) => done >= 30 && stop.abort(),
    });
    expect(cancelled).toMatchObject({ outcome: 'cancelled', redriven: 30, remaining: 70 });
    expect((await list(broker)).total).toBe(70);
    expect(await redrive(broker)).toMatchObject({ outcome: 'complete', redriven: 70 });
    await expectEachOnce(broker, 100);
  });

  it('redrives each dead letter once if the answers to its requests are lost', async () => {
    await using broker = await startTestBroker();
    // How often answers are lost: more often than the client itself repeats the request.
    const losses = [
      { api: 'AddPartitionsToTxn', times: 12 },
      { api: 'Produce', times: 12 },
      { api: 'EndTxn', times: 3 },
    ] as const;
    for (const [round, loss] of losses.entries()) {
      await writeLetters(
        broker,
        numbers(40, round * 40).map((n) => letter(n)),
      );
      const { outcome, redriven } = await redrive(broker, {
        chunkLetters: 10,
        onProgress: ({ done }) => {
          if (done === 10) broker.inject({ ...loss, dropAnswer: true });
        },
      });
      expect({ outcome, redriven }).toEqual({ outcome: 'complete', redriven: 40 });
    }
    await expectEachOnce(broker, 120);
  });

  it('redrives each dead letter once if two run at the same time', async () => {
    await using broker = await startTestBroker();
    const random = new Random(7);
    for (let round = 0; round < 5; round += 1) {
      await writeLetters(
        broker,
        numbers(200, round * 200).map((n) => letter(n)),
      );
      const both = [0, 1].map(async () => {
        await delay(random.below(150));
        return redrive(broker, { chunkLetters: 5 });
      });
      const outcomes = (await Promise.all(both)).map(({ outcome }) => outcome);
      expect(outcomes).toContain('complete');
      expect(['complete', 'taken-over']).toEqual(expect.arrayContaining(outcomes));
      expect((await list(broker)).total).toBe(0);
    }
    await expectEachOnce(broker, 1_000);
  });

  it(
    'redrives each dead letter once if it is killed or cancelled at any moment',
    { timeout: 180_000 },
    async () => {
      await using broker = await startTestBroker();
      const count = 4_000;
      await writeLetters(
        broker,
        numbers(count).map((n) => letter(n)),
      );
      const kills = await redriveWithKills(broker, { kills: 8, random: new Random(11), maxDelayMs: 60 });
      expect(kills).toBeGreaterThan(2);
      await expectEachOnce(broker, count);
    },
  );
});

describe('a redriven record', () => {
  const unfit = { value: Buffer.from('no JSON') };

  it('is delivered again by its job only, and is a new dead letter if that fails again', async () => {
    await using broker = await startTestBroker();
    await using s3 = await TestS3Server.start();
    const lake = s3Job(s3, { name: 'lake', sink: { prefix: 'lake/' } });
    const copy = s3Job(s3, { name: 'copy', sink: { prefix: 'copy/' } });
    await appendPoints(broker, [unfit, {}]);
    await run(broker, [lake, copy]);
    const selection = { kind: 'filter', filter: { groupId: 'router-lake' } } as const;
    expect(await redrive(broker, { selection })).toMatchObject({ redriven: 1 });
    expect((await run(broker, [lake, copy])).jobs).toEqual({
      lake: { records: 1, delivered: 0, filtered: 0, deadLettered: 1 },
      copy: { records: 1, delivered: 0, filtered: 1, deadLettered: 0 },
    });
    const { deadLetters } = await list(broker, { groupId: 'router-lake' });
    expect(deadLetters).toMatchObject([{ attempts: 1, redrives: 1 }]);
    expect(await redrive(broker, { selection })).toMatchObject({ redriven: 1 });
    await run(broker, [lake, copy]);
    expect(await list(broker, { groupId: 'router-lake', includesRedriven: true })).toMatchObject({
      groups: [{ count: 3, redriven: 2 }],
    });
    expect((await list(broker, { groupId: 'router-lake' })).deadLetters).toMatchObject([{ redrives: 2 }]);
    expect(await verify(broker, [lake, copy])).toMatchObject({
      ok: true,
      jobs: { lake: { records: 1, missing: 0 }, copy: { records: 1, missing: 0 } },
    });
  });

  it('is delivered once it is accepted, and other sinks do not get it twice', async () => {
    await using broker = await startTestBroker();
    await using s3 = await TestS3Server.start();
    await using target = await startTestBroker();
    await using search = await TestOpenSearchServer.start();
    await appendPoints(broker, [{}, {}]);
    const lake = s3Job(s3);
    const mirror = kafkaJob(target);
    const refusing = searchJob(search);
    search.itemFault = () => ({ status: 400, type: 'mapper_parsing_exception', reason: 'failed to parse' });
    await run(broker, [lake, mirror, refusing]);
    search.itemFault = () => undefined;
    expect(await redrive(broker)).toMatchObject({ redriven: 2 });
    expect((await run(broker, [lake, mirror, refusing])).jobs).toEqual({
      lake: { records: 2, delivered: 0, filtered: 2, deadLettered: 0 },
      mirror: { records: 2, delivered: 0, filtered: 2, deadLettered: 0 },
      search: { records: 2, delivered: 2, filtered: 0, deadLettered: 0 },
    });
    expect(await verify(broker, [lake])).toMatchObject({ ok: true, jobs: { lake: { records: 2 } } });
    expect(await readCommitted(target, TELEMETRY)).toHaveLength(2);
    expect(await list(broker)).toMatchObject({ total: 0 });
  });

  it('is an ordinary record in the target of the mirror that it was redriven for', async () => {
    await using broker = await startTestBroker();
    await using target = await startTestBroker();
    await appendPoints(broker, [unfit]);
    const filtering = kafkaJob(target, { filter: "vehicle_state = 'on_trip'" });
    await run(broker, [filtering]);
    expect(await redrive(broker)).toMatchObject({ redriven: 1 });
    await run(broker, [kafkaJob(target)]);
    const [copied, ...others] = await readCommitted(target, TELEMETRY);
    expect(others).toEqual([]);
    expect(String(copied!.value)).toBe('no JSON');
    expect(Object.keys(copied!.headers!).filter((name) => name.startsWith('redrive-'))).toEqual([]);
  });
});

describe('npm run router -- dead-letters', () => {
  it('reports an unknown id, and redrives nothing', async () => {
    await using broker = await startTestBroker();
    await writeLetters(broker, [letter(1)]);
    const [{ id } = { id: '' }] = (await list(broker)).deadLetters;
    const before = await ends(broker);
    for (const args of [
      ['show', 'nobody'],
      ['redrive', id, 'nobody'],
    ]) {
      const command = new CommandProcess(broker, args);
      expect(await command.ended()).toBe(1);
      expect(command).toMatchObject({ stdout: '', stderr: 'router: no dead letter has the id "nobody"\n' });
    }
    expect(await ends(broker)).toBe(before);
    const usage = new CommandProcess(broker, ['redrive', id, '--all']);
    expect(await usage.ended()).toBe(2);
    expect(usage.stderr).toMatch(
      /^router: redrive: expected one of: IDs, a filter, --all\ndead-letters list .*\n(.*\n)*dead-letters redrive /,
    );
  });

  it('prints tables, a dead letter, and what was redriven', async () => {
    await using broker = await startTestBroker();
    await writeLetters(broker, [letter(1), letter(2)]);
    const output = async (...args: string[]) => {
      const command = new CommandProcess(broker, args);
      expect(await command.ended()).toBe(0);
      return command.stdout;
    };
    const listed = await output('list', '--limit', '1');
    expect(listed).toMatch(/^GROUP +TOPIC +COUNT +REDRIVEN/);
    expect(listed).toMatch(/router-search +ride\.telemetry +2 +0 /);
    expect(listed).toContain('2 dead letters, of which the latest are listed');
    const id = /ride\.telemetry\/1\/1\/\S+/.exec(await output('list'))![0];
    expect(await output('show', id)).toContain('value      12 bytes, utf8\n{"number":1}\n');
    expect(await output('redrive', id, '--dry-run')).toBe(
      '1 dead letters would be redriven\ndry run: nothing was written\n',
    );
    expect(JSON.parse(await output('redrive', '--all', '--json'))).toEqual({
      outcome: 'complete',
      dryRun: false,
      redriven: 2,
      remaining: 0,
      refused: [],
    });
    expect(await output('list')).toBe('no dead letters\n');
    expect(JSON.parse(await output('list', '--all', '--json'))).toMatchObject({ total: 2 });
  });
});

function kafkaJob(target: { readonly address: string }, settings: { filter?: string } = {}): JobSpec {
  const sink = { type: 'kafka', brokers: [target.address] };
  const job = { name: 'mirror', topics: [TELEMETRY], sink, ...settings };
  return parseRouterFile(JSON.stringify({ jobs: [job] }), 'router.yaml')[0]!;
}

/** Expects that each of the dead letters was redriven once and is marked once, as another client reads the topics. */
async function expectEachOnce(broker: { readonly address: string }, count: number): Promise<void> {
  const counts = await redrivesById(broker);
  expect(counts.size).toBe(count);
  expect(Math.max(...counts.values())).toBe(1);
  const marks = (await readCommitted(broker, deadLetterTopic.name)).flatMap(({ headers }) =>
    headers?.['dead-letter-topic'] === undefined ? [String(headers?.[REDRIVE_HEADERS.id])] : [],
  );
  expect(new Set(marks)).toEqual(new Set(counts.keys()));
  expect(marks).toHaveLength(count);
}
