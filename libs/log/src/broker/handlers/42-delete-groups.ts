/*
 * DeleteGroups (key 42), versions 0-2.
 *
 * - Removes a group without members, and its offsets.
 *
 * 2 flexible
 */
import { ErrorCode, codeOf } from '../../protocol/error-codes.js';
import * as t from '../../protocol/schema.js';
import { defineHandler } from './handler.js';

const request = t.struct({ groupsNames: t.array(t.string) });

const response = t.struct({
  throttleTimeMs: t.int32,
  results: t.array(t.struct({ groupId: t.string, errorCode: t.int16 })),
});

export const deleteGroups = defineHandler({
  apiKey: 42,
  name: 'DeleteGroups',
  minVersion: 0,
  maxVersion: 2,
  flexibleFrom: 2,
  request,
  response,
  async handle({ groupsNames }, { coordinator }) {
    const results: { groupId: string; errorCode: number }[] = [];
    for (const groupId of groupsNames) {
      const errorCode = await coordinator.delete(groupId).then(() => ErrorCode.NONE, codeOf);
      results.push({ groupId, errorCode });
    }
    return { throttleTimeMs: 0, results };
  },
});
