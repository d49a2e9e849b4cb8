/*
 * DescribeCluster (key 60), versions 0-1.
 *
 * - One broker, which is also the controller.
 * - There are no separate controller endpoints: MISMATCHED_ENDPOINT_TYPE.
 *
 * 1 endpoint type
 */
import { ErrorCode } from '../../protocol/error-codes.js';
import { OPERATIONS_NOT_ASKED } from '../../protocol/metadata.js';
import * as t from '../../protocol/schema.js';
import { AUTHORIZED_OPERATIONS } from './authorized-operations.js';
import { defineHandler } from './handler.js';

const BROKERS = 1;

const request = t.struct({
  includeClusterAuthorizedOperations: t.boolean,
  endpointType: t.since(1, t.int8, BROKERS),
});

const response = t.struct({
  throttleTimeMs: t.int32,
  errorCode: t.int16,
  errorMessage: t.nullableString,
  endpointType: t.since(1, t.int8, BROKERS),
  clusterId: t.string,
  controllerId: t.int32,
  brokers: t.array(t.struct({ brokerId: t.int32, host: t.string, port: t.int32, rack: t.nullableString })),
  clusterAuthorizedOperations: t.int32,
});

export const describeCluster = defineHandler({
  apiKey: 60,
  name: 'DescribeCluster',
  minVersion: 0,
  maxVersion: 1,
  flexibleFrom: 0,
  request,
  response,
  handle({ endpointType, includeClusterAuthorizedOperations: asked }, { store, node }) {
    const served = endpointType === BROKERS;
    return {
      throttleTimeMs: 0,
      errorCode: served ? ErrorCode.NONE : ErrorCode.MISMATCHED_ENDPOINT_TYPE,
      errorMessage: served ? null : 'This endpoint is a broker, not a controller.',
      endpointType: BROKERS,
      clusterId: store.clusterId,
      controllerId: node.id,
      brokers: served ? [{ brokerId: node.id, host: node.host, port: node.port, rack: node.rack }] : [],
      clusterAuthorizedOperations: asked ? AUTHORIZED_OPERATIONS.cluster : OPERATIONS_NOT_ASKED,
    };
  },
});
