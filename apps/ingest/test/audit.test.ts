import { auditTopic } from '@hailstream/events';
import { decodeAuditRecord, type AuditRecord } from '@hailstream/events/audit';
import { createRangeReader } from '@hailstream/log';
import { startTestBroker } from '@hailstream/log/testing';
import { createLogger } from '@hailstream/service/logging';
import { describe, expect, it } from 'vitest';
import { AuditService } from '../src/audit/audit.service.js';
import { PROVIDER, ready, startIngest, telemetryPoint, writeToken } from './_util.js';

describe('ride.audit', () => {
  it('has the numbers of accepted and rejected items by provider and reason, without dry runs', async () => {
    await using broker = await startTestBroker();
    await using ingest = await startIngest({ port: broker.port });
    await ready(ingest);
    const items = [
      telemetryPoint(),
      telemetryPoint(),
      telemetryPoint({ timestamp: 1_760_000_000 }),
      telemetryPoint({ provider_id: '0197a1c0-0000-7000-8000-00000000abcd' }),
    ];
    await ingest.post('/telemetry', items);
    await ingest.post('/telemetry', { data: items });
    await ingest.post('/validate/telemetry', items);
    const other = '0197a1c0-0000-7000-8000-00000000ffff';
    await ingest.post('/telemetry', [telemetryPoint({ provider_id: other })], {
      token: await writeToken(other),
    });
    await ingest.app.get(AuditService).write();
    const totals = totalsOf(await readAudit(broker.port));
    expect(totals).toEqual({
      [PROVIDER]: { accepted: 2, 'timestamp-in-seconds': 1, 'other-provider': 1, 'not-a-list': 1 },
      [other]: { accepted: 1 },
    });
  });

  it('does not fail or delay requests if it cannot be written, and has the counts later', async () => {
    await using broker = await startTestBroker();
    await using ingest = await startIngest({
      port: broker.port,
      env: { INGEST_LOG_DELIVERY_TIMEOUT_MS: '1000' },
    });
    await ready(ingest);
    await ingest.post('/telemetry', [telemetryPoint()]);
    await broker.kill();
    const invalid = await ingest.post('/telemetry', [telemetryPoint({ timestamp: 1 })]);
    expect(invalid.status).toBe(400);
    await ingest.app.get(AuditService).write();
    await broker.restart();
    await expect
      .poll(
        async () => {
          await ingest.app.get(AuditService).write();
          return totalsOf(await readAudit(broker.port));
        },
        { timeout: 30_000 },
      )
      .toEqual({ [PROVIDER]: { accepted: 1, 'invalid timestamp': 1 } });
  });

  it('has the counts of the last seconds after a graceful shutdown', async () => {
    await using broker = await startTestBroker();
    {
      await using ingest = await startIngest({ port: broker.port });
      await ready(ingest);
      await ingest.post('/telemetry', [telemetryPoint()]);
    }
    expect(totalsOf(await readAudit(broker.port))).toEqual({ [PROVIDER]: { accepted: 1 } });
  });
});

async function readAudit(port: number): Promise<AuditRecord[]> {
  const connection = { brokers: [`127.0.0.1:${port}`], clientId: 'test' };
  await using reader = createRangeReader({
    connection,
    logger: createLogger({ name: 'test', level: 'silent' }),
  });
  const read: AuditRecord[] = [];
  const ranges = [{ topic: auditTopic.name, from: 'earliest', to: 'latest' } as const];
  for await (const { records } of await reader.readRange({ ranges })) {
    read.push(...records.map(({ value }) => decodeAuditRecord(value)!));
  }
  return read;
}

/** The highest counts of each minute, summed by provider. */
function totalsOf(records: readonly AuditRecord[]): Record<string, Record<string, number>> {
  const highest = new Map<string, AuditRecord>();
  for (const record of records) {
    const key = `${record.process_id}/${record.minute}/${record.topic}/${record.provider_id}`;
    const known = highest.get(key);
    if (known === undefined || sizeOf(record) > sizeOf(known)) highest.set(key, record);
  }
  const totals: Record<string, Record<string, number>> = {};
  for (const { provider_id: provider, accepted, rejected } of highest.values()) {
    const total = (totals[provider] ??= {});
    if (accepted > 0) total['accepted'] = (total['accepted'] ?? 0) + accepted;
    for (const { reason, count } of rejected) total[reason] = (total[reason] ?? 0) + count;
  }
  return totals;
}

function sizeOf({ accepted, rejected }: AuditRecord): number {
  return rejected.reduce((sum, { count }) => sum + count, accepted);
}
