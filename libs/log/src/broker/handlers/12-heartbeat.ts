/*
 * Heartbeat (key 12), versions 0-4.
 *
 * - Renews the member's session.
 * - During a rebalance it also responds with REBALANCE_IN_PROGRESS: the member has to join again.
 *
 * 1 throttle time · 3 group instance id · 4 flexible
 */
import { ErrorCode, codeOf } from '../../protocol/error-codes.js';
import * as t from '../../protocol/schema.js';
import { defineHandler } from './handler.js';

const request = t.struct({
  groupId: t.string,
  generationId: t.int32,
  memberId: t.string,
  groupInstanceId: t.since(3, t.nullableString, null),
});

const response = t.struct({
  throttleTimeMs: t.since(1, t.int32, 0),
  errorCode: t.int16,
});

export const heartbeat = defineHandler({
  apiKey: 12,
  name: 'Heartbeat',
  minVersion: 0,
  maxVersion: 4,
  flexibleFrom: 4,
  request,
  response,
  reject: (_, errorCode) => ({ throttleTimeMs: 0, errorCode }),
  handle({ groupId, ...member }, { coordinator }) {
    try {
      coordinator.heartbeat(groupId, member);
      return { throttleTimeMs: 0, errorCode: ErrorCode.NONE };
    } catch (error) {
      return { throttleTimeMs: 0, errorCode: codeOf(error) };
    }
  },
});
