import { ErrorCode } from '../../../protocol/error-codes.js';
import { OPERATIONS_NOT_ASKED } from '../../../protocol/metadata.js';
import { offsetCommit } from '../08-offset-commit.js';
import { offsetFetch } from '../09-offset-fetch.js';
import { findCoordinator } from '../10-find-coordinator.js';
import { joinGroup } from '../11-join-group.js';
import { heartbeat } from '../12-heartbeat.js';
import { leaveGroup } from '../13-leave-group.js';
import { syncGroup } from '../14-sync-group.js';
import { describeGroups } from '../15-describe-groups.js';
import { listGroups } from '../16-list-groups.js';
import { deleteGroups } from '../42-delete-groups.js';
import { offsetDelete } from '../47-offset-delete.js';
import type { Access } from '../../security/access/authorizer.js';
import { groupOperations } from '../authorized-operations.js';
import { divide, guard, guardWhole, rejected, type AnyGuard } from './guard.js';

const GROUP_DENIED = ErrorCode.GROUP_AUTHORIZATION_FAILED;
const TOPIC_DENIED = ErrorCode.TOPIC_AUTHORIZATION_FAILED;
const TRANSACTION_KEY = 1;

const mayReadGroup = ({ groupId }: { readonly groupId: string }, access: Access) =>
  access.may('Read', 'group', groupId) ? ErrorCode.NONE : GROUP_DENIED;

/** Guards of the APIs of consumer groups. */
export const GROUP_GUARDS: readonly (readonly [number, AnyGuard])[] = [
  guardWhole(joinGroup, mayReadGroup),
  guardWhole(syncGroup, mayReadGroup),
  guardWhole(heartbeat, mayReadGroup),
  guard(leaveGroup, async ({ request, access, proceed }) =>
    access.may('Read', 'group', request.groupId)
      ? proceed(request)
      : { throttleTimeMs: 0, errorCode: GROUP_DENIED, members: [] },
  ),
  guard(offsetCommit, async ({ request, access, proceed }) => {
    if (!access.may('Read', 'group', request.groupId)) return rejected(offsetCommit, request, GROUP_DENIED);
    const [allowed, denied] = divide(request.topics, ({ name }) => access.may('Read', 'topic', name));
    const answer = await proceed({ ...request, topics: allowed });
    const refused = rejected(offsetCommit, { ...request, topics: denied }, TOPIC_DENIED);
    return { ...refused, topics: [...(answer?.topics ?? []), ...refused.topics] };
  }),
  guard(offsetFetch, async ({ request, context, access, proceed }) => {
    if (context.apiVersion < 8) {
      if (!access.may('Describe', 'group', request.groupId)) {
        const topics = (request.topics ?? []).map((topic) => refusedOffsets(topic, GROUP_DENIED));
        return { throttleTimeMs: 0, topics, errorCode: GROUP_DENIED, groups: [] };
      }
      const [topics, refused] = divideOffsets(request.topics, access);
      const answer = await proceed({ ...request, topics });
      return answer && { ...answer, topics: visibleOffsets(answer.topics, refused, access) };
    }
    const [allowed, denied] = divide(request.groups, ({ groupId }) =>
      access.may('Describe', 'group', groupId),
    );
    const divided = new Map(allowed.map(({ groupId, topics }) => [groupId, divideOffsets(topics, access)]));
    const groups = [...divided].map(([groupId, [topics]]) => ({ groupId, topics }));
    const answer = await proceed({ ...request, groups });
    const visible = (answer?.groups ?? []).map((group) => ({
      ...group,
      topics: visibleOffsets(group.topics, divided.get(group.groupId)?.[1] ?? [], access),
    }));
    const refused = denied.map(({ groupId }) => ({ groupId, topics: [], errorCode: GROUP_DENIED }));
    return { throttleTimeMs: 0, topics: [], errorCode: ErrorCode.NONE, groups: [...visible, ...refused] };
  }),
  guard(findCoordinator, async ({ request, context, access, proceed }) => {
    const isTransaction = request.keyType === TRANSACTION_KEY;
    const type = isTransaction ? 'transactional-id' : 'group';
    const errorCode = isTransaction ? ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED : GROUP_DENIED;
    const refused = { errorCode, errorMessage: 'not authorized', nodeId: -1, host: '', port: -1 };
    if (context.apiVersion < 4) {
      if (access.may('Describe', type, request.key)) return proceed(request);
      return { throttleTimeMs: 0, ...refused, coordinators: [] };
    }
    const [allowed, denied] = divide(request.coordinatorKeys, (key) => access.may('Describe', type, key));
    const answer = await proceed({ ...request, coordinatorKeys: allowed });
    return (
      answer && {
        ...answer,
        coordinators: [...answer.coordinators, ...denied.map((key) => ({ key, ...refused }))],
      }
    );
  }),
  guard(describeGroups, async ({ request, access, proceed }) => {
    const [allowed, denied] = divide(request.groups, (groupId) => access.may('Describe', 'group', groupId));
    const answer = await proceed({ ...request, groups: allowed });
    const visible = (answer?.groups ?? []).map((group) =>
      request.includeAuthorizedOperations
        ? { ...group, authorizedOperations: groupOperations(access, group.groupId) }
        : group,
    );
    const refused = denied.map((groupId) => ({
      errorCode: GROUP_DENIED,
      groupId,
      groupState: '',
      protocolType: '',
      protocolData: '',
      members: [],
      authorizedOperations: OPERATIONS_NOT_ASKED,
    }));
    return { throttleTimeMs: 0, groups: [...visible, ...refused] };
  }),
  guard(listGroups, async ({ request, access, proceed }) => {
    const answer = await proceed(request);
    if (answer === undefined || access.mayCluster('Describe')) return answer;
    return {
      ...answer,
      groups: answer.groups.filter(({ groupId }) => access.may('Describe', 'group', groupId)),
    };
  }),
  guard(deleteGroups, async ({ request, access, proceed }) => {
    const [allowed, denied] = divide(request.groupsNames, (groupId) =>
      access.may('Delete', 'group', groupId),
    );
    const answer = await proceed({ ...request, groupsNames: allowed });
    const refused = denied.map((groupId) => ({ groupId, errorCode: GROUP_DENIED }));
    return { throttleTimeMs: 0, results: [...(answer?.results ?? []), ...refused] };
  }),
  guard(offsetDelete, async ({ request, access, proceed }) => {
    if (!access.may('Delete', 'group', request.groupId)) {
      return { errorCode: GROUP_DENIED, throttleTimeMs: 0, topics: [] };
    }
    const [allowed, denied] = divide(request.topics, ({ name }) => access.may('Read', 'topic', name));
    const answer = await proceed({ ...request, topics: allowed });
    if (answer === undefined || answer.errorCode !== ErrorCode.NONE) return answer;
    const refused = denied.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: TOPIC_DENIED })),
    }));
    return { ...answer, topics: [...answer.topics, ...refused] };
  }),
];

type OffsetsRequest = Parameters<typeof offsetFetch.handle>[0];
type OffsetsAnswer = Exclude<Awaited<ReturnType<typeof offsetFetch.handle>>, undefined>['topics'];
type RequestedTopic = NonNullable<OffsetsRequest['topics']>[number];

/** The topics to look up, and the refused ones. Null stands for all topics. */
function divideOffsets(
  topics: OffsetsRequest['topics'],
  access: Access,
): [OffsetsRequest['topics'], RequestedTopic[]] {
  if (topics === null) return [null, []];
  return divide(topics, ({ name }) => access.may('Describe', 'topic', name));
}

function visibleOffsets(
  topics: OffsetsAnswer,
  refused: readonly RequestedTopic[],
  access: Access,
): OffsetsAnswer {
  const visible = topics.filter(({ name }) => access.may('Describe', 'topic', name));
  return [...visible, ...refused.map((topic) => refusedOffsets(topic, TOPIC_DENIED))];
}

function refusedOffsets(
  { name, partitionIndexes }: RequestedTopic,
  errorCode: ErrorCode,
): OffsetsAnswer[number] {
  return {
    name,
    partitions: partitionIndexes.map((partitionIndex) => ({
      partitionIndex,
      committedOffset: -1n,
      committedLeaderEpoch: -1,
      metadata: '',
      errorCode,
    })),
  };
}
