import { offsetCommitArea, offsetDeleteArea, offsetFetchArea } from './committed-offsets.js';
import { alterConfigsArea, describeConfigsArea, incrementalAlterConfigsArea } from './configs.js';
import { fetchArea } from './fetch.js';
import {
  authorizedOperationsArea,
  coordinatorArea,
  deleteGroupsArea,
  describeGroupsArea,
  groupTypesArea,
} from './groups-from-outside.js';
import { heartbeatArea, joinArea, leaveArea, staticMembersArea, syncArea } from './groups.js';
import { idempotenceArea } from './idempotence.js';
import { deleteRecordsArea, leaderEpochArea, offsetsArea } from './offsets.js';
import { produceArea } from './produce.js';
import { rangesArea } from './ranges.js';
import type { Area } from './scenario.js';
import { createPartitionsArea, createTopicsArea, deleteTopicsArea, metadataArea } from './topics.js';
import { transactionsArea } from './transactions.js';

/** The behaviour that clients may rely on, for the embedded broker and for Apache Kafka. */
export const AREAS: readonly Area[] = [
  produceArea,
  idempotenceArea,
  fetchArea,
  offsetsArea,
  deleteRecordsArea,
  leaderEpochArea,
  metadataArea,
  createTopicsArea,
  deleteTopicsArea,
  createPartitionsArea,
  describeConfigsArea,
  alterConfigsArea,
  incrementalAlterConfigsArea,
  coordinatorArea,
  joinArea,
  syncArea,
  heartbeatArea,
  leaveArea,
  staticMembersArea,
  describeGroupsArea,
  groupTypesArea,
  authorizedOperationsArea,
  deleteGroupsArea,
  offsetCommitArea,
  offsetFetchArea,
  offsetDeleteArea,
  transactionsArea,
  rangesArea,
];
