/*
 * ListGroups (key 16), versions 0-5.
 *
 * - Every group with members or offsets.
 * - Filters by state and type ignore case. All groups are of the classic type.
 *
 * 1 throttle time · 3 flexible · 4 states · 5 types
 */
import { ErrorCode } from '../../protocol/error-codes.js';
import * as t from '../../protocol/schema.js';
import { defineHandler } from './handler.js';

/** Kafka's name for the type of all groups. */
const CLASSIC = 'classic';

const request = t.struct({
  statesFilter: t.since(4, t.array(t.string), []),
  typesFilter: t.since(5, t.array(t.string), []),
});

const response = t.struct({
  throttleTimeMs: t.since(1, t.int32, 0),
  errorCode: t.int16,
  groups: t.array(
    t.struct({
      groupId: t.string,
      protocolType: t.string,
      groupState: t.since(4, t.string, ''),
      groupType: t.since(5, t.string, ''),
    }),
  ),
});

export const listGroups = defineHandler({
  apiKey: 16,
  name: 'ListGroups',
  minVersion: 0,
  maxVersion: 5,
  flexibleFrom: 3,
  request,
  response,
  handle({ statesFilter, typesFilter }, { coordinator }) {
    const types = new Set(typesFilter.map((type) => type.toLowerCase()));
    if (types.size > 0 && !types.has(CLASSIC)) {
      return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, groups: [] };
    }
    const states = new Set(statesFilter.map((state) => state.toLowerCase()));
    const groups = coordinator
      .all()
      .filter(({ state }) => states.size === 0 || states.has(state.toLowerCase()))
      .map(({ groupId, protocolType, state }) => ({
        groupId,
        protocolType: protocolType ?? '',
        groupState: state,
        groupType: CLASSIC,
      }));
    return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, groups };
  },
});
