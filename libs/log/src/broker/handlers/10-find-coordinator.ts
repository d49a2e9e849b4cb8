/*
 * FindCoordinator (key 10), versions 0-4.
 *
 * - This broker coordinates every group and every transactional id.
 * - Key types other than group (0) and transaction (1): INVALID_REQUEST.
 *
 * 1 key type, throttle time, message · 3 flexible · 4 several keys at once
 */
import { ErrorCode } from '../../protocol/error-codes.js';
import * as t from '../../protocol/schema.js';
import { defineHandler } from './handler.js';

const LAST_KEY_TYPE = 1;

const request = t.struct({
  key: t.versions({ last: 3 }, t.string, ''),
  keyType: t.since(1, t.int8, 0),
  coordinatorKeys: t.since(4, t.array(t.string), []),
});

const response = t.struct({
  throttleTimeMs: t.since(1, t.int32, 0),
  errorCode: t.versions({ last: 3 }, t.int16, 0),
  errorMessage: t.versions({ first: 1, last: 3 }, t.nullableString, null),
  nodeId: t.versions({ last: 3 }, t.int32, -1),
  host: t.versions({ last: 3 }, t.string, ''),
  port: t.versions({ last: 3 }, t.int32, -1),
  coordinators: t.since(
    4,
    t.array(
      t.struct({
        key: t.string,
        nodeId: t.int32,
        host: t.string,
        port: t.int32,
        errorCode: t.int16,
        errorMessage: t.nullableString,
      }),
    ),
    [],
  ),
});

export const findCoordinator = defineHandler({
  apiKey: 10,
  name: 'FindCoordinator',
  minVersion: 0,
  maxVersion: 4,
  flexibleFrom: 3,
  request,
  response,
  handle({ key, keyType, coordinatorKeys }, { node, apiVersion }) {
    const known = keyType >= 0 && keyType <= LAST_KEY_TYPE;
    const answer = known
      ? {
          errorCode: ErrorCode.NONE,
          errorMessage: null,
          nodeId: node.id,
          host: node.host,
          port: node.port,
        }
      : {
          errorCode: ErrorCode.INVALID_REQUEST,
          errorMessage: `unsupported coordinator type ${keyType}`,
          nodeId: -1,
          host: '',
          port: -1,
        };
    const keys = apiVersion >= 4 ? coordinatorKeys : [key];
    return { throttleTimeMs: 0, ...answer, coordinators: keys.map((each) => ({ key: each, ...answer })) };
  },
});
