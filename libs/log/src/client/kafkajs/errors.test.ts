import {
  KafkaJSConnectionError,
  KafkaJSNonRetriableError,
  KafkaJSNumberOfRetriesExceeded,
  KafkaJSProtocolError,
  KafkaJSRequestTimeoutError,
} from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { LogError } from '../core/errors.js';
import { isRebalance, isMetadataMissing, isSequenceLost, toLogError } from './errors.js';

const protocolError = (type: string, retriable = false) =>
  new KafkaJSProtocolError(Object.assign(new Error(type), { type, code: 1, retriable }));

describe('toLogError', () => {
  it.each([
    ['a broken connection', new KafkaJSConnectionError('refused'), 'UNAVAILABLE', true],
    ['a request without a response', new KafkaJSRequestTimeoutError('late'), 'TIMED_OUT', true],
    ['a record over the limit', protocolError('MESSAGE_TOO_LARGE'), 'RECORD_TOO_LARGE', false],
    ['a missing permission', protocolError('TOPIC_AUTHORIZATION_FAILED'), 'REFUSED', false],
    ['a missing topic', protocolError('UNKNOWN_TOPIC_OR_PARTITION', true), 'UNKNOWN_TOPIC', true],
    ['replicas that are behind', protocolError('NOT_ENOUGH_REPLICAS', true), 'UNAVAILABLE', true],
    ['an unknown error', new TypeError('cannot read null'), 'UNAVAILABLE', true],
  ])('names %s', (_, error, code, retryable) => {
    expect(toLogError(error, 'cannot append')).toMatchObject({ code, retryable });
  });

  it('uses the innermost cause', () => {
    const cause = protocolError('MESSAGE_TOO_LARGE');
    const exhausted = new KafkaJSNumberOfRetriesExceeded(cause, { retryCount: 1, retryTime: 1 });
    const wrapped = Object.assign(new KafkaJSNonRetriableError(exhausted), { cause: exhausted });
    expect(toLogError(wrapped, 'cannot append')).toMatchObject({
      code: 'RECORD_TOO_LARGE',
      message: 'cannot append: MESSAGE_TOO_LARGE',
    });
  });

  it('returns a LogError unchanged', () => {
    const error = new LogError('CLOSED', 'closed', false);
    expect(toLogError(error, 'cannot append')).toBe(error);
  });
});

describe('isSequenceLost', () => {
  it.each(['OUT_OF_ORDER_SEQUENCE_NUMBER', 'UNKNOWN_PRODUCER_ID', 'INVALID_PRODUCER_EPOCH'])(
    'knows %s',
    (type) => {
      expect(isSequenceLost(protocolError(type))).toBe(true);
    },
  );

  it('is false for other errors', () => {
    expect(isSequenceLost(new KafkaJSConnectionError('refused'))).toBe(false);
  });
});

describe('isRebalance', () => {
  it.each(['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID'])('is true for %s', (type) => {
    expect(isRebalance(protocolError(type))).toBe(true);
  });
});

describe('isMetadataMissing', () => {
  const read = (metadata: unknown) => (metadata as { topicMetadata: unknown }).topicMetadata;

  it('recognises the TypeError of kafkajs if no broker returned metadata', () => {
    let tripped: unknown;
    try {
      read(null);
    } catch (error) {
      tripped = error;
    }
    expect(isMetadataMissing(tripped)).toBe(true);
    expect(toLogError(tripped, 'cannot look up "a"')).toMatchObject({
      code: 'UNAVAILABLE',
      retryable: true,
      message: 'cannot look up "a": no broker returned metadata',
    });
    expect(isMetadataMissing(new TypeError('other'))).toBe(false);
  });
});
