/*
 * ListGroups (key 16), versions 0-4.
 *
 * - Every group that has members or offsets.
 * - States, where they are named, are compared without regard to case.
 *
 * 1 throttle time · 3 flexible · 4 states
 */
import { ErrorCode } from '../../protocol/error-codes.js';
import * as t from '../../protocol/schema.js';
import { defineHandler } from './handler.js';

const request = t.struct({ statesFilter: t.since(4, t.array(t.string), []) });

const response = t.struct({
  throttleTimeMs: t.since(1, t.int32, 0),
  errorCode: t.int16,
  groups: t.array(
    t.struct({ groupId: t.string, protocolType: t.string, groupState: t.since(4, t.string, '') }),
  ),
});

export const listGroups = defineHandler({
  apiKey: 16,
  name: 'ListGroups',
  minVersion: 0,
  maxVersion: 4,
  flexibleFrom: 3,
  request,
  response,
  handle({ statesFilter }, { coordinator }) {
    const states = new Set(statesFilter.map((state) => state.toLowerCase()));
    const groups = coordinator
      .all()
      .filter(({ state }) => states.size === 0 || states.has(state.toLowerCase()))
      .map(({ groupId, protocolType, state }) => ({
        groupId,
        protocolType: protocolType ?? '',
        groupState: state,
      }));
    return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, groups };
  },
});
