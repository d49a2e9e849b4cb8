import { startTestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { describe, expect, it } from 'vitest';
import { parseRouterFile, type JobSpec } from '../../src/router-file/router-file.js';
import { startService } from '../_service.js';
import { appendPoints, run } from '../_util.js';
import { VerifyingReceiver, type VerifiedBatch } from '../_verifying-receiver.js';

const SECRET = `whsec_${Buffer.from('a secret of 32 bytes, in base64.').toString('base64')}`;

function webhookJob(url: string): JobSpec {
  const sink = { type: 'webhook', url };
  const job = { name: 'hook', topics: ['ride.telemetry'], sink, batching: { records: 20 } };
  return parseRouterFile(JSON.stringify({ jobs: [job] }), 'router.yaml')[0]!;
}

describe('a receiver of Standard Webhooks', () => {
  it('accepts the signatures, and has every event after it was down, in order per partition', async () => {
    await using broker = await startTestBroker();
    const batches: VerifiedBatch[] = [];
    let accepted = 0;
    await using receiver = await VerifyingReceiver.start(SECRET, (batch) => {
      batches.push(batch);
      accepted += 1;
      // The router does not know that these batches were received, and sends them again.
      return accepted % 7 === 0 ? 503 : 200;
    });
    await appendPoints(
      broker,
      Array.from({ length: 1_000 }, () => ({})),
    );
    const running = run(broker, [webhookJob(receiver.url)], { credentials: { webhookSecret: SECRET } });
    await until(() => accepted > 10);
    await receiver.stop();
    await receiver.restart();
    await running;
    expect(receiver.invalid).toBe(0);
    const newest = new Map<number, number>();
    const seen = new Set<string>();
    for (const { partition, records } of batches) {
      for (const { offset } of records) {
        const place = `${partition}/${offset}`;
        if (seen.has(place)) continue;
        seen.add(place);
        expect(Number(offset)).toBe((newest.get(partition) ?? -1) + 1);
        newest.set(partition, Number(offset));
      }
    }
    expect(seen.size).toBe(1_000);
  });

  it('refuses the signature of another secret, which GET /jobs reports', async () => {
    await using broker = await startTestBroker();
    await using receiver = await VerifyingReceiver.start(SECRET, () => 200);
    await appendPoints(broker, [{}]);
    const webhookSecret = 'a secret that the receiver does not have';
    await using service = await startService(broker, [webhookJob(receiver.url)], { webhookSecret });
    await until(async () => (await service.job('hook')).state === 'failing');
    expect((await service.job('hook')).failure).toMatchObject({
      code: 'ACCESS_DENIED',
      reason: expect.stringContaining('No matching signature found'),
    });
    expect(receiver.invalid).toBeGreaterThan(0);
  });
});
