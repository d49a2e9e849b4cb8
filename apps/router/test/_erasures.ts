import { erasureTopic, eventRegistry, type ErasureKind } from '@hailstream/events';
import { createAdmin, createProducer } from '@hailstream/log';
import { connectionTo, silent } from './_util.js';

/** Appends records to a topic of the system. */
export async function appendTo(
  broker: { readonly address: string },
  topic: string,
  values: readonly { readonly key: string; readonly value: object | Buffer }[],
): Promise<void> {
  const connection = connectionTo(broker);
  await using admin = createAdmin({ connection, logger: silent });
  await admin.ensureTopics(eventRegistry.topics);
  await using producer = createProducer({ connection, logger: silent });
  const results = await producer.send(
    values.map(({ key, value }) => ({
      topic,
      key,
      value: Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value)),
    })),
  );
  for (const result of results) if (result.kind === 'failed') throw result.error;
}

/** Writes an erasure as `batch erase` does. */
export async function requestErasure(
  broker: { readonly address: string },
  kind: ErasureKind,
  id: string,
): Promise<void> {
  await appendTo(broker, erasureTopic.name, [
    { key: id, value: { kind, id, requested_at: Date.UTC(2026, 2, 2) } },
  ]);
}
