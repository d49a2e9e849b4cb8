import type { BatchContext, RecordBatch } from '@hailstream/log';
import type { JobSpec } from '../router-file/router-file.js';
import type { BatchSink, RefusedRecord, RoutedRecord } from './batch-sink.js';
import type { DeliveryCounts } from './delivery.js';
import { parseEvent } from './event.js';
import { GroupDelivery, type GroupDeliveryOptions } from './group-delivery.js';

/** Delivers events to a sink that accepts batches: each at least once, and those of a partition in order. */
export class StreamDelivery extends GroupDelivery {
  constructor(options: GroupDeliveryOptions, sink: BatchSink) {
    super(options, {
      check: () => sink.check(),
      deliver: (batch, context) => deliverEvents(batch, { context, sink, spec: options.spec }),
      erase: async (batch, context) => {
        if (sink.erase) await sink.erase(context.signal);
        else await deliverEvents(batch, { context, sink, spec: { matches: () => true } });
      },
      assigned: () => sink.assigned?.(),
      [Symbol.asyncDispose]: () => sink[Symbol.asyncDispose](),
    });
  }
}

async function deliverEvents(
  batch: RecordBatch,
  {
    context,
    sink,
    spec,
  }: { readonly context: BatchContext; readonly sink: BatchSink; readonly spec: Pick<JobSpec, 'matches'> },
): Promise<DeliveryCounts> {
  const { topic, partition } = batch;
  const readable: RoutedRecord[] = [];
  const refused: RefusedRecord[] = [];
  for (const record of batch.records) {
    try {
      readable.push({ record, event: parseEvent(record.value) });
    } catch (reason) {
      refused.push({ record, reason: reason as Error });
    }
  }
  const records = readable.filter(({ event }) => spec.matches(event));
  let repeated = 0;
  if (records.length > 0) {
    const result = await sink.deliver({ topic, partition, records }, context.signal);
    refused.push(...result.refused);
    repeated = result.repeated ?? 0;
  }
  for (const { record, reason } of refused) await context.deadLetter(record, reason);
  const filtered = readable.length - records.length + repeated;
  const deadLettered = refused.length;
  const delivered = batch.records.length - filtered - deadLettered;
  return { records: batch.records.length, delivered, filtered, deadLettered };
}
