import { httpOperations, type HttpOperation } from './http-operations.js';
import { responseSchemas, type ResponseSchemaName } from './http-schemas.js';

const PROBLEM = 'application/problem+json';

/** Meanings of the statuses of problems. */
const problems = {
  400: 'A parameter or the body is invalid: `errors` names it',
  401: 'Missing, invalid or expired token, or a token without the scope',
  403: 'The token is limited to one provider, or a page of another site requests a change',
  404: 'It does not exist, or the token may not see it, or the service has no history or reports',
  409: 'Several providers have it: select one with `provider_id`; or it cannot be changed',
  503: 'The city is being rebuilt, or a service that is needed does not respond. Retry after `Retry-After` seconds',
} as const;
type ProblemStatus = keyof typeof problems;

/** Describes the HTTP API. @see OpenAPI 3.1 */
export function openApiDocument(): object {
  const paths = Object.entries(httpOperations).map(([path, operations]) => [
    path,
    Object.fromEntries(operations.map((operation) => [operation.method, describe(operation)])),
  ]);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Hailstream live',
      version: '1.0.0',
      description:
        'The live state of the fleet over HTTP. With a token that has `provider_id`, responses have only what belongs to that ' +
        'provider. `GET /asyncapi.json` describes the live messages over socket.io and as server-sent events.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths: Object.fromEntries(paths) as object,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      schemas: { ...responseSchemas, Problem: problemSchema },
    },
  };
}

function describe(operation: HttpOperation): object {
  const { id, summary, scope = 'read', parameters = [], body, response, isAlwaysServed = false } = operation;
  const statuses: ProblemStatus[] = [
    400,
    ...(scope === null ? [] : [401 as const]),
    ...(operation.problems ?? []),
    ...(isAlwaysServed ? [] : [503 as const]),
  ];
  return {
    operationId: id,
    summary,
    description: scope === null ? 'Needs no token.' : `Requires the scope \`${scope}\`.`,
    security: scope === null ? [] : [{ bearer: [] }],
    ...(parameters.length > 0 && { parameters }),
    ...(body !== undefined && { requestBody: { required: true, content: jsonOf(body) } }),
    responses: {
      [response.status]: {
        description: response.schema === undefined ? 'Done' : summary,
        ...(response.schema !== undefined && { content: jsonOf(response.schema) }),
      },
      ...Object.fromEntries(statuses.map((status) => [status, problemAnswer(status)])),
    },
  };
}

function jsonOf(schema: ResponseSchemaName): object {
  return { 'application/json': { schema: { $ref: `#/components/schemas/${schema}` } } };
}

function problemAnswer(status: ProblemStatus): object {
  const retryAfter = { description: 'Seconds until a retry', schema: { type: 'integer' } };
  return {
    description: problems[status],
    ...(status === 503 && { headers: { 'Retry-After': retryAfter } }),
    content: { [PROBLEM]: { schema: { $ref: '#/components/schemas/Problem' } } },
  };
}

const problemSchema = {
  type: 'object',
  description: 'Problem details (RFC 9457)',
  required: ['type', 'title', 'status'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    instance: { type: 'string' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['detail'],
        properties: { field: { type: 'string' }, detail: { type: 'string' } },
      },
    },
  },
};
