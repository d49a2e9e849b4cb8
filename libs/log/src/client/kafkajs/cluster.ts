import type { Kafka } from 'kafkajs';
import { Reader } from '../../protocol/reader.js';
import type { Api } from '../../protocol/schema.js';
import { Writer } from '../../protocol/writer.js';
import { LogError } from '../core/errors.js';
import { sendFrame, type KafkajsConnection } from './connection.js';

/** The versions of one API that kafkajs supports. */
interface KafkajsApi<R> {
  readonly versions: readonly string[];
  protocol(of: { readonly version: number }): R;
}

/** Kinds of coordinators, as numbered by FindCoordinator. */
export const COORDINATOR_TYPES = { group: 0, transaction: 1 } as const;

/** One broker, connected and authenticated. */
export interface KafkajsBroker {
  readonly nodeId: number;
  readonly connectionPool: {
    readonly host: string;
    readonly port: number;
    /** The connection for all requests but kafkajs's own Fetch. */
    getConnection(): Promise<KafkajsConnection>;
  };
  /** Of each API, by its key. */
  readonly versions: Readonly<Record<number, { readonly maxVersion: number } | undefined>>;
  /** The result of `protocol` for the highest version that both sides support. */
  lookupRequest<R>(apiKey: number, api: KafkajsApi<R>): R;
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
  /** Loads the metadata of these topics, too. */
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>;
  findTopicPartitionMetadata(
    topic: string,
  ): readonly { readonly partitionId: number; readonly leader: number }[];
  findGroupCoordinator(of: {
    readonly groupId: string;
    /** {@link COORDINATOR_TYPES} */
    readonly coordinatorType: number;
  }): Promise<KafkajsBroker>;
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
 * Sends a request to a broker in the highest version that both sides support. Requests to the same broker are written in the
 * order of the calls, and need not wait for each other's responses.
 *
 * @param question its buffers must not change until the response has arrived
 * @throws LogError `REFUSED` if the broker is too old; errors of kafkajs
 */
export async function ask<Q, A extends { readonly throttleTimeMs: number }>(
  broker: KafkajsBroker,
  api: Api<Q, A>,
  question: Q,
): Promise<A> {
  const version = broker.lookupRequest(api.apiKey, {
    versions: [String(api.maxVersion)],
    protocol: ({ version: supported }) => supported,
  });
  if (version < api.minVersion) {
    const message = `the broker supports ${api.name} up to version ${version}, version ${api.minVersion} is required`;
    throw new LogError('REFUSED', message, false);
  }
  const flexible = version >= api.flexibleFrom;
  const writer = new Writer(flexible, version);
  api.request.write(writer, question);
  const connection = await broker.connectionPool.getConnection();
  const payload = await sendFrame(connection, { api, apiVersion: version }, writer.finish());
  const reader = new Reader(payload, flexible, version);
  // The header of a flexible response has tagged fields.
  reader.skipTaggedFields();
  const answer = api.response.read(reader);
  connection.requestQueue.maybeThrottle(answer.throttleTimeMs);
  return answer;
}
