import { randomUUID } from 'node:crypto';
import { newLatencies, recordMs } from '../harness/latencies.js';
import { percentiles, type Percentiles } from '../harness/report.js';
import { plainClient } from './plain-client.js';
import { monotonicMs, readPlannedAt } from './planned-time.js';

/*
 * Runs as a separate process with an address and a topic as arguments. It reads the topic from its end and reports on
 * request how many records it has received since the last reset, and their latency from the planned time.
 */

export type Question = 'begin' | 'report';
export type Answer = { readonly kind: 'reading' } | { readonly kind: 'report'; readonly micros: Percentiles };

const [address = '', topic = ''] = process.argv.slice(2);
let latencies = newLatencies();

const consumer = plainClient(address).consumer({ groupId: `bench-${randomUUID()}`, maxWaitTimeInMs: 500 });
await consumer.connect();
await consumer.subscribe({ topic, fromBeginning: true });
consumer.on(consumer.events.GROUP_JOIN, () => tell({ kind: 'reading' }));
await consumer.run({
  eachBatch: async ({ batch }) => {
    const now = monotonicMs();
    for (const { value } of batch.messages) recordMs(latencies, now - readPlannedAt(value as Buffer));
    return Promise.resolve();
  },
});

process.on('message', (question: Question) => {
  if (question === 'begin') latencies = newLatencies();
  tell({ kind: 'report', micros: percentiles(latencies) });
});
process.on('disconnect', () => process.exit());

function tell(answer: Answer): void {
  process.send?.(answer);
}
