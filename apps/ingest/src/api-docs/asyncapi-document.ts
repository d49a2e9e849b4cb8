import { auditTopic, type EventFamily } from '@hailstream/events';
import { AuditRecord } from '@hailstream/events/audit';
import { MDS_VERSION } from '../body/media-types.js';

const KAFKA_BINDING_VERSION = '0.5.0';

/** Describes the topics that this service writes: those of the registry, and audit records. @see AsyncAPI 3.0 */
export function asyncApiDocument(families: readonly EventFamily[]): object {
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Hailstream log',
      version: MDS_VERSION,
      description:
        'Topics of validated events, in the Kafka protocol. Values are JSON in UTF-8. The timestamp of a record is the ' +
        'time at which ingest received the event. Delivery is at least once: a retried event occurs again with the ' +
        'same id. Events with the same key are in the order in which ingest accepted them.',
    },
    defaultContentType: 'application/json',
    channels: { ...byName(families, channel), audit: auditChannel },
    operations: {
      ...Object.fromEntries(families.map((family) => [`send-${family.name}`, operation(family)])),
      'send-audit': {
        action: 'send',
        channel: { $ref: '#/channels/audit' },
        summary: `Writes numbers of accepted and rejected items to ${auditTopic.name}`,
        messages: [{ $ref: '#/channels/audit/messages/AuditRecord' }],
      },
    },
    components: {
      messages: { ...bySchemaName(families, message), AuditRecord: auditMessage },
      schemas: { ...bySchemaName(families, ({ schema }) => schema), AuditRecord },
    },
  };
}

const auditChannel = {
  address: auditTopic.name,
  description: 'What this service accepted and rejected, by process, minute of receipt, topic and provider',
  messages: { AuditRecord: { $ref: '#/components/messages/AuditRecord' } },
  bindings: {
    kafka: {
      topic: auditTopic.name,
      partitions: auditTopic.partitions,
      bindingVersion: KAFKA_BINDING_VERSION,
    },
  },
};

const auditMessage = {
  name: 'AuditRecord',
  summary: 'Counts of one minute, which only grow: of several records, the highest counts apply',
  contentType: 'application/json',
  payload: { $ref: '#/components/schemas/AuditRecord' },
  bindings: {
    kafka: {
      key: { type: 'string', description: 'Stage and minute' },
      bindingVersion: KAFKA_BINDING_VERSION,
    },
  },
};

function channel({ topic, schemaName, description }: EventFamily): object {
  return {
    address: topic.name,
    description,
    messages: { [schemaName]: { $ref: `#/components/messages/${schemaName}` } },
    bindings: {
      kafka: { topic: topic.name, partitions: topic.partitions, bindingVersion: KAFKA_BINDING_VERSION },
    },
  };
}

/** What this service does with a channel, hence `send`. */
function operation({ name, schemaName, path, topic }: EventFamily): object {
  return {
    action: 'send',
    channel: { $ref: `#/channels/${name}` },
    summary: `Writes events accepted by POST ${path} to ${topic.name}`,
    messages: [{ $ref: `#/channels/${name}/messages/${schemaName}` }],
  };
}

function message({ name, schemaName, description, fields, example }: EventFamily): object {
  return {
    name: schemaName,
    summary: description,
    contentType: 'application/json',
    payload: { $ref: `#/components/schemas/${schemaName}` },
    bindings: {
      kafka: {
        key: { type: 'string', description: `The event's ${fields.key}` },
        bindingVersion: KAFKA_BINDING_VERSION,
      },
    },
    examples: [{ name, payload: example }],
  };
}

function byName(families: readonly EventFamily[], describe: (family: EventFamily) => object): object {
  return Object.fromEntries(families.map((family) => [family.name, describe(family)]));
}

function bySchemaName(families: readonly EventFamily[], describe: (family: EventFamily) => object): object {
  return Object.fromEntries(families.map((family) => [family.schemaName, describe(family)]));
}
