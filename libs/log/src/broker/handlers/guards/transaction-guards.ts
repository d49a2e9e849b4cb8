import { ErrorCode } from '../../../protocol/error-codes.js';
import { initProducerId } from '../22-init-producer-id.js';
import { addPartitionsToTxn } from '../24-add-partitions-to-txn.js';
import { addOffsetsToTxn } from '../25-add-offsets-to-txn.js';
import { endTxn } from '../26-end-txn.js';
import { txnOffsetCommit } from '../28-txn-offset-commit.js';
import { describeTransactions } from '../65-describe-transactions.js';
import { listTransactions } from '../66-list-transactions.js';
import type { Access } from '../../security/access/authorizer.js';
import { divide, guard, guardWhole, rejected, type AnyGuard } from './guard.js';

const DENIED = ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
const TOPIC_DENIED = ErrorCode.TOPIC_AUTHORIZATION_FAILED;

const mayWriteId = (access: Access, transactionalId: string) =>
  access.may('Write', 'transactional-id', transactionalId);

/** Guards of the APIs of producers and transactions. */
export const TRANSACTION_GUARDS: readonly (readonly [number, AnyGuard])[] = [
  guardWhole(initProducerId, ({ transactionalId }, access) => {
    if (transactionalId !== null) return mayWriteId(access, transactionalId) ? ErrorCode.NONE : DENIED;
    // As in Kafka, a principal that may write to a topic may do so idempotently.
    const mayWrite = access.mayCluster('IdempotentWrite') || access.mayAny('Write', 'topic');
    return mayWrite ? ErrorCode.NONE : ErrorCode.CLUSTER_AUTHORIZATION_FAILED;
  }),
  guard(addPartitionsToTxn, async ({ request, access, proceed }) => {
    const { topics, transactionalId } = request;
    if (!mayWriteId(access, transactionalId)) return rejected(addPartitionsToTxn, request, DENIED);
    const [allowed, denied] = divide(topics, ({ name }) => access.may('Write', 'topic', name));
    if (denied.length === 0) return proceed(request);
    // All or none.
    const refused = rejected(addPartitionsToTxn, { ...request, topics: denied }, TOPIC_DENIED);
    const others = { ...request, topics: allowed };
    const skipped = rejected(addPartitionsToTxn, others, ErrorCode.OPERATION_NOT_ATTEMPTED);
    return { ...refused, resultsByTopic: [...refused.resultsByTopic, ...skipped.resultsByTopic] };
  }),
  guardWhole(addOffsetsToTxn, ({ transactionalId, groupId }, access) => {
    if (!mayWriteId(access, transactionalId)) return DENIED;
    return access.may('Read', 'group', groupId) ? ErrorCode.NONE : ErrorCode.GROUP_AUTHORIZATION_FAILED;
  }),
  guardWhole(endTxn, ({ transactionalId }, access) =>
    mayWriteId(access, transactionalId) ? ErrorCode.NONE : DENIED,
  ),
  guard(txnOffsetCommit, async ({ request, access, proceed }) => {
    if (!mayWriteId(access, request.transactionalId)) return rejected(txnOffsetCommit, request, DENIED);
    if (!access.may('Read', 'group', request.groupId)) {
      return rejected(txnOffsetCommit, request, ErrorCode.GROUP_AUTHORIZATION_FAILED);
    }
    const [allowed, denied] = divide(request.topics, ({ name }) => access.may('Read', 'topic', name));
    const answer = await proceed({ ...request, topics: allowed });
    const refused = rejected(txnOffsetCommit, { ...request, topics: denied }, TOPIC_DENIED);
    return { ...refused, topics: [...(answer?.topics ?? []), ...refused.topics] };
  }),
  guard(describeTransactions, async ({ request, access, proceed }) => {
    const [allowed, denied] = divide(request.transactionalIds, (id) =>
      access.may('Describe', 'transactional-id', id),
    );
    const answer = await proceed({ ...request, transactionalIds: allowed });
    const visible = (answer?.transactionStates ?? []).map((state) => ({
      ...state,
      topics: state.topics.filter(({ topic }) => access.may('Describe', 'topic', topic)),
    }));
    const refused = denied.map((transactionalId) => ({
      errorCode: DENIED,
      transactionalId,
      transactionState: '',
      transactionTimeoutMs: 0,
      transactionStartTimeMs: 0n,
      producerId: 0n,
      producerEpoch: 0,
      topics: [],
    }));
    return { throttleTimeMs: 0, transactionStates: [...visible, ...refused] };
  }),
  guard(listTransactions, async ({ request, access, proceed }) => {
    const answer = await proceed(request);
    return (
      answer && {
        ...answer,
        transactionStates: answer.transactionStates.filter(({ transactionalId }) =>
          access.may('Describe', 'transactional-id', transactionalId),
        ),
      }
    );
  }),
];
