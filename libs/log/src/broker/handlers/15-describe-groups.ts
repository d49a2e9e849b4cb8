/*
 * DescribeGroups (key 15), versions 0-5.
 *
 * - A group that does not exist is described as Dead, without an error.
 * - Metadata and assignments of members are returned for a Stable group only.
 *
 * 1 throttle time · 3 authorized operations · 4 group instance id · 5 flexible
 */
import { ErrorCode } from '../../protocol/error-codes.js';
import { OPERATIONS_NOT_ASKED } from '../../protocol/metadata.js';
import * as t from '../../protocol/schema.js';
import type { Group } from '../groups/membership/group.js';
import { NO_BYTES } from '../groups/membership/member.js';
import { AUTHORIZED_OPERATIONS } from './authorized-operations.js';
import { defineHandler } from './handler.js';
import { uniqueBy } from './repeated.js';

const request = t.struct({
  groups: t.array(t.string),
  includeAuthorizedOperations: t.since(3, t.boolean, false),
});

const response = t.struct({
  throttleTimeMs: t.since(1, t.int32, 0),
  groups: t.array(
    t.struct({
      errorCode: t.int16,
      groupId: t.string,
      groupState: t.string,
      protocolType: t.string,
      protocolData: t.string,
      members: t.array(
        t.struct({
          memberId: t.string,
          groupInstanceId: t.since(4, t.nullableString, null),
          clientId: t.string,
          clientHost: t.string,
          memberMetadata: t.bytes,
          memberAssignment: t.bytes,
        }),
      ),
      authorizedOperations: t.since(3, t.int32, OPERATIONS_NOT_ASKED),
    }),
  ),
});

export const describeGroups = defineHandler({
  apiKey: 15,
  name: 'DescribeGroups',
  minVersion: 0,
  maxVersion: 5,
  flexibleFrom: 5,
  request,
  response,
  handle: ({ groups, includeAuthorizedOperations }, { coordinator }) => ({
    throttleTimeMs: 0,
    groups: uniqueBy(groups, (groupId) => groupId).map((groupId) => ({
      ...describe(groupId, coordinator.group(groupId)),
      authorizedOperations: includeAuthorizedOperations ? AUTHORIZED_OPERATIONS.group : OPERATIONS_NOT_ASKED,
    })),
  }),
});

function describe(groupId: string, group: Group | undefined) {
  const stable = group?.state === 'Stable';
  return {
    errorCode: ErrorCode.NONE,
    groupId,
    groupState: group?.state ?? 'Dead',
    protocolType: group?.protocolType ?? '',
    protocolData: (stable ? group.protocolName : '') ?? '',
    members: [...(group?.members.values() ?? [])].map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      memberMetadata: stable ? group.metadataOf(member) : NO_BYTES,
      memberAssignment: stable ? member.assignment : NO_BYTES,
    })),
  };
}
