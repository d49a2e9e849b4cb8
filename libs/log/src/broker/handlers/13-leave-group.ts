/*
 * LeaveGroup (key 13), versions 0-5.
 *
 * - The member is removed at once, and the others rebalance.
 * - From version 3 on several members per request, each with its own error; static members by instance id.
 *
 * 1 throttle time · 3 several members · 4 flexible · 5 reason
 */
import { ErrorCode, codeOf } from '../../protocol/error-codes.js';
import * as t from '../../protocol/schema.js';
import { defineHandler } from './handler.js';

const request = t.struct({
  groupId: t.string,
  memberId: t.versions({ last: 2 }, t.string, ''),
  members: t.since(
    3,
    t.array(
      t.struct({
        memberId: t.string,
        groupInstanceId: t.nullableString,
        reason: t.since(5, t.nullableString, null),
      }),
    ),
    [],
  ),
});

const response = t.struct({
  throttleTimeMs: t.since(1, t.int32, 0),
  errorCode: t.int16,
  members: t.since(
    3,
    t.array(t.struct({ memberId: t.string, groupInstanceId: t.nullableString, errorCode: t.int16 })),
    [],
  ),
});

export const leaveGroup = defineHandler({
  apiKey: 13,
  name: 'LeaveGroup',
  minVersion: 0,
  maxVersion: 5,
  flexibleFrom: 4,
  request,
  response,
  handle({ groupId, memberId, members }, { coordinator, apiVersion }) {
    const leave = (member: { memberId: string; groupInstanceId: string | null }) => {
      try {
        coordinator.leave(groupId, member);
        return ErrorCode.NONE;
      } catch (error) {
        return codeOf(error);
      }
    };
    if (apiVersion < 3) {
      const errorCode = leave({ memberId, groupInstanceId: null });
      return { throttleTimeMs: 0, errorCode, members: [] };
    }
    return {
      throttleTimeMs: 0,
      errorCode: groupId === '' ? ErrorCode.INVALID_GROUP_ID : ErrorCode.NONE,
      members: members.map((member) => ({
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId,
        errorCode: leave(member),
      })),
    };
  },
});
