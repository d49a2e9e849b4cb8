import { describe, expect, it } from 'vitest';
import type { DeliveryResult } from '../record/record.js';
import { Delivery, OpenDeliveries } from './delivery.js';

const appended = (offset: bigint): DeliveryResult => ({ kind: 'appended', partition: 0, offset });

describe('Delivery', () => {
  it('returns the results in the order of the records', async () => {
    const delivery = new Delivery(3, 0);
    delivery.settle(2, appended(12n));
    delivery.settle(0, appended(10n));
    expect(delivery.isDone).toBe(false);
    delivery.settle(1, appended(11n));
    await expect(delivery.results).resolves.toEqual([appended(10n), appended(11n), appended(12n)]);
  });

  it('keeps the first result of a record', async () => {
    const delivery = new Delivery(1, 0);
    delivery.settle(0, appended(1n));
    delivery.settle(0, appended(2n));
    await expect(delivery.results).resolves.toEqual([appended(1n)]);
  });

  it('fails records without a result at the deadline, retryable', async () => {
    const delivery = new Delivery(2, 0);
    delivery.settle(0, appended(1n));
    delivery.expire(10_000);
    const [first, second] = await delivery.results;
    expect(first).toEqual(appended(1n));
    expect(second).toMatchObject({ kind: 'failed', error: { code: 'TIMED_OUT', retryable: true } });
  });

  it('resolves at once without records', async () => {
    await expect(new Delivery(0, 0).results).resolves.toEqual([]);
  });
});

describe('OpenDeliveries', () => {
  it('returns deliveries past their deadline once, and none that are done', () => {
    const open = new OpenDeliveries();
    const [done, late, early] = [new Delivery(1, 100), new Delivery(1, 100), new Delivery(1, 200)];
    for (const delivery of [done, late, early]) open.add(delivery);
    done.settle(0, appended(1n));
    expect(open.takeExpired(99)).toEqual([]);
    expect(open.takeExpired(100)).toEqual([late]);
    expect(open.takeExpired(100)).toEqual([]);
    expect(open.isEmpty).toBe(false);
    early.settle(0, appended(2n));
    expect(open.isEmpty).toBe(true);
  });
});
