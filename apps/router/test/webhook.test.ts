import { createHmac } from 'node:crypto';
import { startTestBroker } from '@hailstream/log/testing';
import { describe, expect, it } from 'vitest';
import { parseRouterFile, type JobSpec } from '../src/router-file/router-file.js';
import { appendPoints, deadLettersOf, run } from './_util.js';
import { startReceiver, WEBHOOK_SECRET } from './_webhook-receiver.js';

function webhookJob(url: string, settings: { maxAttempts?: number } = {}): JobSpec {
  const job = {
    name: 'hook',
    topics: ['ride.telemetry'],
    sink: { type: 'webhook', url, ...settings },
    batching: { records: 20 },
  };
  return parseRouterFile(JSON.stringify({ jobs: [job] }), 'router.yaml')[0]!;
}

const points = Array.from({ length: 600 }, (_, index) => ({
  deviceId: `0197a1c5-0000-7000-8000-${String(index % 9).padStart(12, '0')}`,
  timeMs: 1_770_000_000_000 + index,
}));
const credentials = { webhookSecret: WEBHOOK_SECRET };

describe('the webhook sink', () => {
  it('sends signed batches, in order per device', async () => {
    await using broker = await startTestBroker();
    await using receiver = await startReceiver();
    await appendPoints(broker, points);
    const { jobs } = await run(broker, [webhookJob(receiver.url)], { credentials });
    expect(jobs['hook']).toEqual({ records: 600, delivered: 600, filtered: 0, deadLettered: 0 });
    const newest = new Map<string, number>();
    for (const { headers, text, events } of receiver.accepted) {
      const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${text}`;
      const signature = createHmac('sha256', WEBHOOK_SECRET).update(signed).digest('base64');
      expect(headers['webhook-signature']).toBe(`v1,${signature}`);
      for (const { device_id: device, timestamp } of events) {
        expect(timestamp).toBeGreaterThan(newest.get(device) ?? 0);
        newest.set(device, timestamp);
      }
    }
    expect(receiver.accepted.flatMap(({ events }) => events)).toHaveLength(600);
  });

  it('sends a batch with the same id until the endpoint accepts it', async () => {
    await using broker = await startTestBroker();
    const ids = new Map<string, number>();
    await using receiver = await startReceiver(({ headers }) => {
      const id = String(headers['webhook-id']);
      ids.set(id, (ids.get(id) ?? 0) + 1);
      return [0, 503, 429, 200][ids.get(id)! - 1] ?? 200;
    });
    await appendPoints(broker, points.slice(0, 40));
    await run(broker, [webhookJob(receiver.url)], { credentials });
    const stored = receiver.accepted.flatMap(({ events }) => events.map(({ telemetry_id: id }) => id));
    expect(new Set(stored).size).toBe(40);
    expect(Math.max(...ids.values())).toBe(4);
  });

  it('dead-letters the records that the endpoint refuses, and delivers those around them', async () => {
    await using broker = await startTestBroker();
    const isRefused = ({ timestamp }: { readonly timestamp: number }) => timestamp % 100 === 50;
    await using receiver = await startReceiver(({ events }) => (events.some(isRefused) ? 422 : 200));
    await appendPoints(broker, points);
    const { jobs } = await run(broker, [webhookJob(receiver.url, { maxAttempts: 1 })], { credentials });
    expect(jobs['hook']).toMatchObject({ records: 600, delivered: 594, deadLettered: 6 });
    expect(receiver.accepted.flatMap(({ events }) => events)).toHaveLength(594);
    const letters = await deadLettersOf(broker);
    expect(letters).toHaveLength(6);
    for (const { reason } of letters) expect(reason).toContain('status 422: unknown vehicle');
  });

  it('fails a run with the reason if the endpoint denies access', async () => {
    await using broker = await startTestBroker();
    await using receiver = await startReceiver(() => 401);
    await appendPoints(broker, points.slice(0, 5));
    await expect(run(broker, [webhookJob(receiver.url)], { credentials })).rejects.toThrow('status 401');
  });
});
