import {
  alertExample,
  AlertRecord,
  alertTopic,
  erasureExample,
  ErasureRecord,
  erasureTopic,
  revocationExample,
  RevocationRecord,
  sessionTopic,
  ZoneFeature,
  zoneTopic,
  type TopicSpec,
} from '@hailstream/events';
import type Type from 'typebox';
import { clientMessages, serverMessages, type LiveMessage } from './live-messages.js';

const KAFKA_BINDING_VERSION = '0.5.0';

/** Topics that this service reads, and all but the erasures writes. */
const topics = {
  alerts: {
    topic: alertTopic,
    name: 'AlertRecord',
    schema: AlertRecord,
    key: 'The id of the alert',
    summary: 'Alerts that rules raise: one record per change, with all fields of the alert',
    example: alertExample,
  },
  erasures: {
    topic: erasureTopic,
    name: 'ErasureRecord',
    schema: ErasureRecord,
    key: 'The id of the rider or the device',
    summary: 'Orders to erase a rider or a device; batch writes them',
    example: erasureExample,
    isReadOnly: true,
  },
  sessions: {
    topic: sessionTopic,
    name: 'RevocationRecord',
    schema: RevocationRecord,
    key: 'The kind and the id of what was revoked: session/ID or token/SHA-256',
    summary:
      'Sessions of the page that were signed out, and their tokens; a record without a value removes one that has expired',
    example: revocationExample,
  },
  zones: {
    topic: zoneTopic,
    name: 'ZoneFeature',
    schema: ZoneFeature,
    key: 'The id of the zone',
    summary: 'Zones that were drawn, as GeoJSON features; a record without a value removes the zone',
    example: {
      type: 'Feature',
      id: 'station',
      properties: { name: 'Station' },
      geometry: {
        type: 'Polygon',
        coordinates: [
          [
            [7.418, 43.737],
            [7.421, 43.737],
            [7.421, 43.739],
            [7.418, 43.737],
          ],
        ],
      },
    },
  },
} as const satisfies Readonly<Record<string, TopicDescription>>;

interface TopicDescription {
  readonly topic: TopicSpec;
  readonly name: string;
  readonly schema: Type.TSchema;
  readonly key: string;
  readonly summary: string;
  readonly example: object;
  /** @default false */
  readonly isReadOnly?: boolean;
}

/** Describes the live messages, and the topics that this service writes. @see AsyncAPI 3.0 */
export function asyncApiDocument(): object {
  const streamed = Object.fromEntries(
    Object.entries<LiveMessage>(serverMessages).filter(([, { isInStream }]) => isInStream),
  );
  const live = { ...clientMessages, ...serverMessages };
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Hailstream live',
      version: '1.0.0',
      description:
        'The live state of the fleet over socket.io 4 and as server-sent events, and the topics of alerts, ' +
        'erasures and zones. Clients ignore fields and messages that they do not know. docs/live.md describes how messages ' +
        'follow each other.',
    },
    defaultContentType: 'application/json',
    channels: {
      socket: {
        address: '/socket.io/',
        description:
          'socket.io 4, over WebSocket only. The token is `auth.token` of the handshake. The name of a message is ' +
          'that of the socket.io event, its payload the first argument.',
        messages: references(live, 'components'),
      },
      stream: {
        address: '/stream',
        description:
          'Server-sent events: `event` is the name of the message, `data` its payload as JSON. ' +
          'The token is in the header `Authorization: Bearer`.',
        messages: references(streamed, 'components'),
      },
      ...mapValues<TopicDescription, object>(topics, topicChannel),
    },
    operations: {
      sendLive: operation('send', 'socket', serverMessages),
      receiveLive: operation('receive', 'socket', clientMessages),
      sendStream: {
        ...operation('send', 'stream', streamed),
        bindings: { http: { method: 'GET', query: streamQuery, bindingVersion: '0.3.0' } },
      },
      ...topicOperations(topics),
    },
    components: {
      messages: {
        ...mapValues<LiveMessage, object>(live, message),
        ...byName(Object.values(topics), topicMessage),
      },
      schemas: { ...schemasOf(live), ...byName(Object.values(topics), ({ schema }) => schema) },
    },
  };
}

const streamQuery = {
  type: 'object',
  properties: {
    bbox: { type: 'string', description: 'The area, west,south,east,north in degrees; all if omitted' },
    provider_id: { type: 'string', description: 'Only vehicles, riders and figures of this provider' },
    device_id: { type: 'string', description: 'The vehicle whose details are sent' },
  },
};

type Messages = Readonly<Record<string, LiveMessage>>;

function message({ summary, content }: LiveMessage, name: string): object {
  return {
    name,
    summary,
    ...(name === 'binary' && { contentType: 'application/octet-stream' }),
    payload: content === null ? { type: 'null' } : { $ref: `#/components/schemas/${content.name}` },
  };
}

function schemasOf(messages: Messages): object {
  const contents = Object.values(messages).flatMap(({ content }) => (content === null ? [] : [content]));
  return Object.fromEntries(contents.map(({ name, schema }) => [name, schema]));
}

/** What this service does with the messages of a channel. */
function operation(action: 'send' | 'receive', channel: string, messages: Messages) {
  return {
    action,
    channel: { $ref: `#/channels/${channel}` },
    messages: Object.values(references(messages, `channels/${channel}`)),
  };
}

/** References to messages that are defined in the components, or in a channel. */
function references(messages: Messages, place: string): Readonly<Record<string, { $ref: string }>> {
  return mapValues(messages, (_, name) => ({ $ref: `#/${place}/messages/${name}` }));
}

function topicChannel({ topic, name, summary }: TopicDescription): object {
  return {
    address: topic.name,
    description: summary,
    messages: { [name]: { $ref: `#/components/messages/${name}` } },
    bindings: {
      kafka: { topic: topic.name, partitions: topic.partitions, bindingVersion: KAFKA_BINDING_VERSION },
    },
  };
}

/** Every process reads these topics as a whole. */
function topicOperations(described: Readonly<Record<string, TopicDescription>>): object {
  const operations: Record<string, object> = {};
  for (const [channel, { name, topic, isReadOnly = false }] of Object.entries(described)) {
    for (const action of isReadOnly ? (['receive'] as const) : (['send', 'receive'] as const)) {
      operations[`${action}-${channel}`] = {
        action,
        channel: { $ref: `#/channels/${channel}` },
        summary: action === 'send' ? `Writes records to ${topic.name}` : `Reads all records of ${topic.name}`,
        messages: [{ $ref: `#/channels/${channel}/messages/${name}` }],
      };
    }
  }
  return operations;
}

function topicMessage({ name, summary, key, example }: TopicDescription): object {
  return {
    name,
    summary,
    contentType: 'application/json',
    payload: { $ref: `#/components/schemas/${name}` },
    bindings: {
      kafka: { key: { type: 'string', description: key }, bindingVersion: KAFKA_BINDING_VERSION },
    },
    examples: [{ name: 'record', payload: example }],
  };
}

function byName(
  described: readonly TopicDescription[],
  describe: (topic: TopicDescription) => object,
): object {
  return Object.fromEntries(described.map((topic) => [topic.name, describe(topic)]));
}

function mapValues<V, R>(
  object: Readonly<Record<string, V>>,
  map: (value: V, name: string) => R,
): Record<string, R> {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, map(value, name)]));
}
