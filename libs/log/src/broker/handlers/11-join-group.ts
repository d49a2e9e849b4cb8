/*
 * JoinGroup (key 11), versions 0-9.
 *
 * - Answered when all members of the group have joined, or the longest rebalance timeout among them has passed.
 * - A new member without an id gets one (MEMBER_ID_REQUIRED, from 4 on) and joins again with it. A client that does not
 *   do so is not part of the group.
 * - Only the leader receives the members and their metadata.
 * - A static member that rejoins replaces itself, without a rebalance if its protocols did not change.
 *
 * 1 rebalance timeout · 2 throttle time · 4 member id required · 5 group instance id · 6 flexible · 7 protocol type in
 * the answer · 8 reason · 9 skip assignment
 */
import { ErrorCode, codeOf } from '../../protocol/error-codes.js';
import * as t from '../../protocol/schema.js';
import type { JoinAnswer } from '../groups/membership/member.js';
import { defineHandler } from './handler.js';

const request = t.struct({
  groupId: t.string,
  sessionTimeoutMs: t.int32,
  rebalanceTimeoutMs: t.since(1, t.int32, -1),
  memberId: t.string,
  groupInstanceId: t.since(5, t.nullableString, null),
  protocolType: t.string,
  protocols: t.array(t.struct({ name: t.string, metadata: t.bytes })),
  reason: t.since(8, t.nullableString, null),
});

const nullableFrom7: t.Schema<string | null> = {
  read: (reader) => (reader.version >= 7 ? reader.nullableString() : reader.string()),
  write: (writer, value) => writer.nullableString(writer.version >= 7 ? value : (value ?? '')),
};

const response = t.struct({
  throttleTimeMs: t.since(2, t.int32, 0),
  errorCode: t.int16,
  generationId: t.int32,
  protocolType: t.since(7, t.nullableString, null),
  protocolName: nullableFrom7,
  leader: t.string,
  skipAssignment: t.since(9, t.boolean, false),
  memberId: t.string,
  members: t.array(
    t.struct({
      memberId: t.string,
      groupInstanceId: t.since(5, t.nullableString, null),
      metadata: t.bytes,
    }),
  ),
});

export const joinGroup = defineHandler({
  apiKey: 11,
  name: 'JoinGroup',
  minVersion: 0,
  maxVersion: 9,
  flexibleFrom: 6,
  request,
  response,
  reject: ({ memberId }, errorCode) => rejected(memberId, errorCode),
  async handle(wanted, { coordinator, apiVersion, clientId, clientHost, logger }) {
    const { groupId, sessionTimeoutMs, memberId } = wanted;
    try {
      const answer = await coordinator.join(groupId, {
        memberId,
        groupInstanceId: wanted.groupInstanceId,
        clientId,
        clientHost,
        sessionTimeoutMs,
        rebalanceTimeoutMs: wanted.rebalanceTimeoutMs < 0 ? sessionTimeoutMs : wanted.rebalanceTimeoutMs,
        protocolType: wanted.protocolType,
        // Copied: the buffer of the request is reused.
        protocols: wanted.protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) })),
        requireKnownMemberId: apiVersion >= 4,
        supportsSkipAssignment: apiVersion >= 9,
      });
      return toResponse(answer);
    } catch (error) {
      const errorCode = codeOf(error);
      if (errorCode === ErrorCode.UNKNOWN_SERVER_ERROR) logger.error({ err: error, groupId }, 'join failed');
      return rejected(memberId, errorCode);
    }
  },
});

function rejected(memberId: string, errorCode: number): t.ValueOf<typeof response> {
  return {
    throttleTimeMs: 0,
    errorCode,
    generationId: -1,
    protocolType: null,
    protocolName: null,
    leader: '',
    skipAssignment: false,
    memberId,
    members: [],
  };
}

function toResponse({ error, members, ...answer }: JoinAnswer): t.ValueOf<typeof response> {
  return { throttleTimeMs: 0, errorCode: error, ...answer, members: [...members] };
}
