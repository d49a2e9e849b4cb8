import * as t from './schema.js';

const request = t.struct({
  transactionalId: t.since(3, t.nullableString, null),
  acks: t.int16,
  timeoutMs: t.int32,
  topics: t.array(
    t.struct({
      name: t.string,
      partitions: t.array(t.struct({ index: t.int32, records: t.records })),
    }),
  ),
});

const response = t.struct({
  topics: t.array(
    t.struct({
      name: t.string,
      partitions: t.array(
        t.struct({
          index: t.int32,
          errorCode: t.int16,
          baseOffset: t.int64,
          logAppendTimeMs: t.since(2, t.int64, -1n),
          logStartOffset: t.since(5, t.int64, -1n),
          recordErrors: t.since(8, t.array(t.struct({ batchIndex: t.int32, message: t.nullableString })), []),
          errorMessage: t.since(8, t.nullableString, null),
        }),
      ),
    }),
  ),
  throttleTimeMs: t.since(1, t.int32, 0),
});

export type ProduceResponse = t.ValueOf<typeof response>;

export const PRODUCE: t.Api<t.ValueOf<typeof request>, ProduceResponse> = {
  apiKey: 0,
  name: 'Produce',
  minVersion: 0,
  maxVersion: 9,
  flexibleFrom: 9,
  request,
  response,
};
