import { describe, expect, it } from 'vitest';
import { jobsTable, type JobRow } from './jobs-table.js';

const job: JobRow = {
  name: 'lake',
  state: 'running',
  sink: 's3',
  topics: ['ride.telemetry', 'ride.trips'],
  partitions: 24,
  lagRecords: '7',
  counts: { delivered: 120_000, filtered: 0, deadLettered: 1 },
  lastDeliveryAt: '2026-03-01T08:00:00.123Z',
  failure: null,
};

describe('jobsTable', () => {
  it('aligns the columns, and explains failing jobs below the table', () => {
    const failing: JobRow = {
      ...job,
      name: 'archive',
      state: 'failing',
      topics: ['ride.trips'],
      lastDeliveryAt: null,
      failure: {
        code: 'MISCONFIGURED',
        reason: 'bucket "ride" does not exist',
        since: '2026-03-01T07:59:00.000Z',
        failures: 3,
      },
    };
    expect(jobsTable([job, failing]).split('\n')).toEqual([
      'JOB      STATE    SINK  TOPICS                      PARTITIONS  LAG  DELIVERED  FILTERED  DEAD LETTERS  LAST DELIVERY',
      'lake     running  s3    ride.telemetry, ride.trips          24    7     120000         0             1  2026-03-01T08:00:00Z',
      'archive  failing  s3    ride.trips                          24    7     120000         0             1  never',
      'archive has failed 3 times since 2026-03-01T07:59:00Z: bucket "ride" does not exist (MISCONFIGURED)',
    ]);
  });
});
