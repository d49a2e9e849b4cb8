import { makeRecordBatch } from '../../src/protocol/records.js';
import { NO_UUID } from '../../src/protocol/schema.js';

const TRANSACTION = { transactionalId: 'nobody', producerId: 7n, producerEpoch: 0 };
const METADATA = Buffer.from('000000000001000572696465730000000000', 'hex');

/** The topic and the group in the samples. */
export const SAMPLE_TOPIC = 'rides';
export const SAMPLE_GROUP = 'readers';

/** A valid request of each API, by name, with the fields of all versions. */
export function sampleRequests(): Record<string, object> {
  const member = { groupId: SAMPLE_GROUP, generationId: 1, memberId: 'somebody', groupInstanceId: null };
  const records = [makeRecordBatch([{ key: Buffer.from('k'), value: Buffer.from('v') }], 1n)];
  return {
    Produce: {
      transactionalId: null,
      acks: 1,
      timeoutMs: 1000,
      topics: [{ name: SAMPLE_TOPIC, partitions: [{ index: 0, records }] }],
    },
    Fetch: {
      replicaId: -1,
      maxWaitMs: 1,
      minBytes: 1,
      maxBytes: 1000,
      isolationLevel: 1,
      sessionId: 0,
      sessionEpoch: -1,
      topics: [
        {
          topic: SAMPLE_TOPIC,
          topicId: NO_UUID,
          partitions: [
            {
              partition: 0,
              currentLeaderEpoch: -1,
              fetchOffset: 0n,
              lastFetchedEpoch: -1,
              logStartOffset: -1n,
              partitionMaxBytes: 1000,
            },
          ],
        },
      ],
      forgottenTopics: [],
      rackId: '',
    },
    ListOffsets: {
      replicaId: -1,
      isolationLevel: 0,
      topics: [
        { name: SAMPLE_TOPIC, partitions: [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp: -1n }] },
      ],
    },
    Metadata: {
      topics: [{ topicId: NO_UUID, name: SAMPLE_TOPIC }],
      allowAutoTopicCreation: true,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    },
    OffsetCommit: {
      ...member,
      generationId: -1,
      memberId: '',
      retentionTimeMs: -1n,
      topics: [
        {
          name: SAMPLE_TOPIC,
          partitions: [
            { partitionIndex: 0, committedOffset: 1n, committedLeaderEpoch: 0, committedMetadata: 'here' },
          ],
        },
      ],
    },
    OffsetFetch: {
      groupId: SAMPLE_GROUP,
      topics: [{ name: SAMPLE_TOPIC, partitionIndexes: [0, 1] }],
      groups: [{ groupId: SAMPLE_GROUP, topics: [{ name: SAMPLE_TOPIC, partitionIndexes: [0] }] }],
      requireStable: false,
    },
    FindCoordinator: { key: SAMPLE_GROUP, keyType: 0, coordinatorKeys: [SAMPLE_GROUP] },
    JoinGroup: {
      groupId: 'joined',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      memberId: '',
      groupInstanceId: null,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: METADATA }],
      reason: null,
    },
    SyncGroup: {
      ...member,
      protocolType: null,
      protocolName: null,
      assignments: [{ memberId: 'somebody', assignment: METADATA }],
    },
    Heartbeat: member,
    LeaveGroup: {
      groupId: SAMPLE_GROUP,
      memberId: 'somebody',
      members: [{ memberId: 'somebody', groupInstanceId: null, reason: null }],
    },
    DescribeGroups: { groups: [SAMPLE_GROUP, 'joined', 'no such group'], includeAuthorizedOperations: false },
    ListGroups: { statesFilter: ['Empty', 'Stable'], typesFilter: [] },
    SaslHandshake: { mechanism: 'PLAIN' },
    SaslAuthenticate: { authBytes: Buffer.from('\0somebody\0secret') },
    ApiVersions: { clientSoftwareName: 'raw', clientSoftwareVersion: '1' },
    CreateTopics: {
      topics: [
        {
          name: 'another',
          numPartitions: 1,
          replicationFactor: 1,
          assignments: [],
          configs: [{ name: 'retention.ms', value: '1000' }],
        },
      ],
      timeoutMs: 1000,
      validateOnly: true,
    },
    DeleteTopics: {
      topics: [{ name: 'no such topic', topicId: NO_UUID }],
      topicNames: ['no such topic'],
      timeoutMs: 1000,
    },
    DeleteRecords: {
      topics: [{ name: SAMPLE_TOPIC, partitions: [{ partitionIndex: 0, offset: 0n }] }],
      timeoutMs: 1000,
    },
    InitProducerId: {
      transactionalId: null,
      transactionTimeoutMs: 60_000,
      producerId: -1n,
      producerEpoch: -1,
    },
    OffsetForLeaderEpoch: {
      replicaId: -2,
      topics: [
        { topic: SAMPLE_TOPIC, partitions: [{ partition: 0, currentLeaderEpoch: 0, leaderEpoch: 0 }] },
      ],
    },
    AddPartitionsToTxn: {
      ...TRANSACTION,
      topics: [{ name: SAMPLE_TOPIC, partitions: [0] }],
    },
    AddOffsetsToTxn: { ...TRANSACTION, groupId: SAMPLE_GROUP },
    EndTxn: { ...TRANSACTION, committed: true },
    TxnOffsetCommit: {
      ...TRANSACTION,
      ...member,
      topics: [
        {
          name: SAMPLE_TOPIC,
          partitions: [
            { partitionIndex: 0, committedOffset: 1n, committedLeaderEpoch: 0, committedMetadata: null },
          ],
        },
      ],
    },
    DescribeProducers: { topics: [{ name: SAMPLE_TOPIC, partitionIndexes: [0, 7] }] },
    DescribeTransactions: { transactionalIds: ['nobody'] },
    ListTransactions: { stateFilters: ['Ongoing', 'Nonsense'], producerIdFilters: [7n], durationFilter: 1n },
    DescribeConfigs: {
      resources: [
        { resourceType: 2, resourceName: SAMPLE_TOPIC, configurationKeys: null },
        { resourceType: 4, resourceName: '1', configurationKeys: ['num.partitions'] },
      ],
      includeSynonyms: true,
      includeDocumentation: true,
    },
    AlterConfigs: {
      resources: [
        { resourceType: 2, resourceName: SAMPLE_TOPIC, configs: [{ name: 'retention.ms', value: '5000' }] },
      ],
      validateOnly: true,
    },
    DescribeLogDirs: { topics: null },
    CreatePartitions: {
      topics: [{ name: SAMPLE_TOPIC, count: 3, assignments: null }],
      timeoutMs: 1000,
      validateOnly: true,
    },
    DeleteGroups: { groupsNames: ['no such group'] },
    IncrementalAlterConfigs: {
      resources: [
        {
          resourceType: 2,
          resourceName: SAMPLE_TOPIC,
          configs: [{ name: 'cleanup.policy', configOperation: 2, value: 'compact' }],
        },
      ],
      validateOnly: true,
    },
    OffsetDelete: {
      groupId: SAMPLE_GROUP,
      topics: [{ name: SAMPLE_TOPIC, partitions: [{ partitionIndex: 1 }] }],
    },
    DescribeCluster: { includeClusterAuthorizedOperations: false, endpointType: 1 },
  };
}
