import type { Kafka } from 'kafkajs';
import { Reader } from '../../protocol/reader.js';
import type { Api } from '../../protocol/schema.js';
import { Writer } from '../../protocol/writer.js';
import { LogError } from '../core/errors.js';

/** A request in the form that kafkajs's connections send. */
interface KafkajsRequest<R> {
  readonly request: {
    readonly apiKey: number;
    readonly apiVersion: number;
    readonly apiName: string;
    encode(): Promise<{ buf: Buffer; buffer: Buffer }>;
  };
  readonly response: {
    decode(payload: Buffer): Promise<R>;
    parse(decoded: R): Promise<R>;
  };
}

/** The versions of one API that kafkajs supports, and their codecs. */
interface KafkajsApi<R> {
  readonly versions: readonly string[];
  protocol(of: { readonly version: number }): () => KafkajsRequest<R>;
}

interface KafkajsConnection {
  send<R>(request: KafkajsRequest<R>): Promise<R>;
}

/** One broker, connected and authenticated. */
export interface KafkajsBroker {
  readonly connectionPool: KafkajsConnection & {
    readonly host: string;
    readonly port: number;
    /** The connection for all requests but Fetch. */
    getConnection(): Promise<KafkajsConnection>;
  };
  /** Of each API, by its key. */
  readonly versions: Readonly<Record<number, { readonly maxVersion: number } | undefined>>;
  lookupRequest<R>(apiKey: number, api: KafkajsApi<R>): () => KafkajsRequest<R>;
  metadata(topics: readonly string[]): Promise<{
    readonly topicMetadata: readonly {
      readonly topic: string;
      readonly partitionMetadata: readonly { readonly partitionId: number; readonly leader: number }[];
    }[];
  }>;
  listOffsets(request: {
    readonly isolationLevel: number;
    readonly topics: readonly {
      readonly topic: string;
      readonly partitions: readonly { readonly partition: number; readonly timestamp: number }[];
    }[];
  }): Promise<{
    readonly responses: readonly {
      readonly topic: string;
      readonly partitions: readonly { readonly partition: number; readonly offset: string }[];
    }[];
  }>;
}

/** The brokers that a kafkajs client knows, and the connections to them. */
export interface KafkajsCluster {
  connect(): Promise<void>;
  refreshMetadataIfNecessary(): Promise<void>;
  refreshMetadata(): Promise<void>;
  findBroker(of: { readonly nodeId: number }): Promise<KafkajsBroker>;
  readonly brokerPool: { findConnectedBroker(): Promise<KafkajsBroker> };
}

/**
 * Opens the internal cluster object of a kafkajs client, through which {@link ask} sends requests that kafkajs does not
 * support. kafkajs has no public access to its connections. Its version is pinned.
 */
export function openCluster(kafka: Kafka): KafkajsCluster {
  const [create] = Object.getOwnPropertySymbols(kafka).filter(
    ({ description }) => description === 'private:Kafka:createCluster',
  );
  const members = kafka as unknown as Record<symbol, (options: object) => KafkajsCluster>;
  if (create === undefined) throw new Error('cannot find the cluster of kafkajs: expected version 2.2.4');
  return members[create]!({ allowAutoTopicCreation: false });
}

/**
 * Sends a request to a broker in the highest version that both sides support.
 *
 * @throws LogError `REFUSED` if the broker is too old; errors of kafkajs
 */
export async function ask<Q, A>(
  broker: Pick<KafkajsBroker, 'lookupRequest'> & { readonly connectionPool: KafkajsConnection },
  api: Api<Q, A>,
  question: Q,
): Promise<A> {
  const request = broker.lookupRequest<A>(api.apiKey, {
    versions: [String(api.maxVersion)],
    protocol: ({ version }) => {
      if (version < api.minVersion) {
        const message = `the broker supports ${api.name} up to version ${version}, version ${api.minVersion} is required`;
        throw new LogError('REFUSED', message, false);
      }
      return () => makeRequest(api, version, question);
    },
  });
  return broker.connectionPool.send(request());
}

function makeRequest<Q, A>(api: Api<Q, A>, version: number, question: Q): KafkajsRequest<A> {
  const flexible = version >= api.flexibleFrom;
  return {
    request: {
      apiKey: api.apiKey,
      apiVersion: version,
      apiName: api.name,
      encode: async () => {
        const writer = new Writer(flexible, version);
        // kafkajs writes a request header without tagged fields.
        writer.noTaggedFields();
        api.request.write(writer, question);
        const buffer = Buffer.concat(writer.finish());
        return { buf: buffer, buffer };
      },
    },
    response: {
      decode: async (payload) => {
        const reader = new Reader(payload, flexible, version);
        reader.skipTaggedFields();
        return api.response.read(reader);
      },
      parse: async (decoded) => decoded,
    },
  };
}
