import { ErrorCode } from '../../../protocol/error-codes.js';
import { NO_UUID } from '../../../protocol/schema.js';
import { createTopics } from '../19-create-topics.js';
import { deleteTopics } from '../20-delete-topics.js';
import { describeConfigs } from '../32-describe-configs.js';
import { alterConfigs } from '../33-alter-configs.js';
import { describeLogDirs } from '../35-describe-log-dirs.js';
import { createPartitions } from '../37-create-partitions.js';
import { incrementalAlterConfigs } from '../44-incremental-alter-configs.js';
import { describeCluster } from '../60-describe-cluster.js';
import type { Operation } from '../../security/access/acl.js';
import type { Access } from '../../security/access/authorizer.js';
import { clusterOperations } from '../authorized-operations.js';
import { ResourceType } from '../config-resources.js';
import { divide, guard, type AnyGuard } from './guard.js';

const TOPIC_DENIED = ErrorCode.TOPIC_AUTHORIZATION_FAILED;
const CLUSTER_DENIED = ErrorCode.CLUSTER_AUTHORIZATION_FAILED;
const TOPIC_MESSAGE = 'not authorized to access the topic';

/** Guards of the APIs that administer topics and the broker. */
export const ADMIN_GUARDS: readonly (readonly [number, AnyGuard])[] = [
  guard(createTopics, async ({ request, access, proceed }) => {
    const mayCreate = access.mayCluster('Create');
    const [allowed, denied] = divide(
      request.topics,
      ({ name }) => mayCreate || access.may('Create', 'topic', name),
    );
    const answer = await proceed({ ...request, topics: allowed });
    const refused = denied.map(({ name }) => ({
      name,
      topicId: NO_UUID,
      errorCode: TOPIC_DENIED,
      errorMessage: TOPIC_MESSAGE,
      numPartitions: -1,
      replicationFactor: -1,
      configs: [],
    }));
    return { throttleTimeMs: 0, topics: [...(answer?.topics ?? []), ...refused] };
  }),
  guard(deleteTopics, async ({ request, context, access, proceed }) => {
    const byName = (name: string) => access.may('Delete', 'topic', name);
    const byId = (topicId: string) => {
      const name = context.store.topicById(topicId)?.name;
      return name === undefined || byName(name);
    };
    const [topics, deniedTopics] = divide(request.topics, ({ name, topicId }) =>
      name === null ? byId(topicId) : byName(name),
    );
    const [topicNames, deniedNames] = divide(request.topicNames, byName);
    const answer = await proceed({ ...request, topics, topicNames });
    const refused = [...deniedTopics, ...deniedNames.map((name) => ({ name, topicId: NO_UUID }))];
    return {
      throttleTimeMs: 0,
      responses: [
        ...(answer?.responses ?? []),
        ...refused.map((topic) => ({ ...topic, errorCode: TOPIC_DENIED, errorMessage: TOPIC_MESSAGE })),
      ],
    };
  }),
  guard(createPartitions, async ({ request, access, proceed }) => {
    const [allowed, denied] = divide(request.topics, ({ name }) => access.may('Alter', 'topic', name));
    const answer = await proceed({ ...request, topics: allowed });
    const refused = denied.map(({ name }) => ({
      name,
      errorCode: TOPIC_DENIED,
      errorMessage: TOPIC_MESSAGE,
    }));
    return { throttleTimeMs: 0, results: [...(answer?.results ?? []), ...refused] };
  }),
  guard(describeConfigs, async ({ request, access, proceed }) => {
    const [allowed, denied] = divide(request.resources, (resource) =>
      mayConfigure('DescribeConfigs', resource, access),
    );
    const answer = await proceed({ ...request, resources: allowed });
    const refused = denied.map((resource) => ({ ...refusedConfigs(resource), configs: [] }));
    return { throttleTimeMs: 0, results: [...(answer?.results ?? []), ...refused] };
  }),
  guard(alterConfigs, async ({ request, access, proceed }) => {
    const [allowed, denied] = divide(request.resources, (resource) =>
      mayConfigure('AlterConfigs', resource, access),
    );
    const answer = await proceed({ ...request, resources: allowed });
    return { throttleTimeMs: 0, responses: [...(answer?.responses ?? []), ...denied.map(refusedConfigs)] };
  }),
  guard(incrementalAlterConfigs, async ({ request, access, proceed }) => {
    const [allowed, denied] = divide(request.resources, (resource) =>
      mayConfigure('AlterConfigs', resource, access),
    );
    const answer = await proceed({ ...request, resources: allowed });
    return { throttleTimeMs: 0, responses: [...(answer?.responses ?? []), ...denied.map(refusedConfigs)] };
  }),
  guard(describeLogDirs, async ({ request, access, proceed }) =>
    access.mayCluster('Describe')
      ? proceed(request)
      : { throttleTimeMs: 0, errorCode: CLUSTER_DENIED, results: [] },
  ),
  // As in Kafka, every client may know the brokers.
  guard(describeCluster, async ({ request, access, proceed }) => {
    const answer = await proceed(request);
    if (answer === undefined || !request.includeClusterAuthorizedOperations) return answer;
    return { ...answer, clusterAuthorizedOperations: clusterOperations(access) };
  }),
];

interface Resource {
  readonly resourceType: number;
  readonly resourceName: string;
}

/** Settings of all but topics are those of the cluster. */
function mayConfigure(
  operation: Operation,
  { resourceType, resourceName }: Resource,
  access: Access,
): boolean {
  return resourceType === ResourceType.TOPIC
    ? access.may(operation, 'topic', resourceName)
    : access.mayCluster(operation);
}

function refusedConfigs({ resourceType, resourceName }: Resource) {
  return {
    errorCode: resourceType === ResourceType.TOPIC ? TOPIC_DENIED : CLUSTER_DENIED,
    errorMessage: 'not authorized',
    resourceType,
    resourceName,
  };
}
