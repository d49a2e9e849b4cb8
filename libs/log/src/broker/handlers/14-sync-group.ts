/*
 * SyncGroup (key 14), versions 0-5.
 *
 * - The leader sends the assignments of all members, which are written to the log before members are answered.
 * - The other members wait for them.
 *
 * 1 throttle time · 3 group instance id · 4 flexible · 5 protocol type and name
 */
import { ErrorCode, codeOf } from '../../protocol/error-codes.js';
import * as t from '../../protocol/schema.js';
import { NO_BYTES } from '../groups/membership/member.js';
import { defineHandler } from './handler.js';

const request = t.struct({
  groupId: t.string,
  generationId: t.int32,
  memberId: t.string,
  groupInstanceId: t.since(3, t.nullableString, null),
  protocolType: t.since(5, t.nullableString, null),
  protocolName: t.since(5, t.nullableString, null),
  assignments: t.array(t.struct({ memberId: t.string, assignment: t.bytes })),
});

const response = t.struct({
  throttleTimeMs: t.since(1, t.int32, 0),
  errorCode: t.int16,
  protocolType: t.since(5, t.nullableString, null),
  protocolName: t.since(5, t.nullableString, null),
  assignment: t.bytes,
});

export const syncGroup = defineHandler({
  apiKey: 14,
  name: 'SyncGroup',
  minVersion: 0,
  maxVersion: 5,
  flexibleFrom: 4,
  request,
  response,
  reject: (_, errorCode) => rejected(errorCode),
  async handle({ groupId, ...wanted }, { coordinator, logger }) {
    try {
      const { error, ...answer } = await coordinator.sync(groupId, wanted);
      return { throttleTimeMs: 0, errorCode: error, ...answer };
    } catch (error) {
      const errorCode = codeOf(error);
      if (errorCode === ErrorCode.UNKNOWN_SERVER_ERROR) logger.error({ err: error, groupId }, 'sync failed');
      return rejected(errorCode);
    }
  },
});

function rejected(errorCode: number): t.ValueOf<typeof response> {
  return { throttleTimeMs: 0, errorCode, protocolType: null, protocolName: null, assignment: NO_BYTES };
}
