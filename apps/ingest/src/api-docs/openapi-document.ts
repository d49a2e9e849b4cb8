import type { EventFamily, EventTimeLimits } from '@hailstream/events';
import { problems as likelyProblems } from '@hailstream/events/plausibility';
import { MAX_ITEMS } from '../body/json-body.js';
import { MDS_JSON, MDS_VERSION } from '../body/media-types.js';
import { failureCodes } from '../events/bulk-response.js';
import { pathOf } from '../events/events.controller.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const PROBLEM = 'application/problem+json';

/** Problem responses, with the meaning of each status. */
const problems: Readonly<Record<string, string>> = {
  401: 'Missing, invalid or expired token, or a token without scope `write` or `provider_id`',
  406: `\`Accept\` requests a version of MDS other than ${MDS_VERSION}`,
  413: `The body exceeds the size limit, before or after decompression, or has more than ${MAX_ITEMS} items or too many values`,
  415: 'The body is not declared as JSON in UTF-8, or its content coding is not gzip or identity',
  429: 'The provider exceeds its rate or its share of the service. Nothing was read or written; retry after `Retry-After` seconds, with the same ids',
  503: 'Nothing was written: the log is unreachable or overloaded. Retry after `Retry-After` seconds, with the same ids',
};

/**
 * Describes the endpoints, derived from the registry. The schemas are those that validate requests.
 *
 * @param caller what is accepted of a caller, so that schemas and examples are valid for its token; anything if omitted
 * @see OpenAPI 3.1
 */
export function openApiDocument(registered: readonly EventFamily[], caller?: Caller): object {
  const families = caller === undefined ? registered : registered.map((family) => forCaller(family, caller));
  return {
    openapi: '3.1.0',
    info: {
      title: 'Hailstream ingest',
      version: MDS_VERSION,
      description:
        'Accepts events in the format of MDS Agency 2.0.2. With a 201, the log has stored every item that is not in ' +
        '`failures`. After any other response, or none, retry with the same ids: that is always safe. The examples have the ' +
        'provider of the token that the document was requested with.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths: Object.fromEntries([
      ...families.map((family) => [pathOf(family, 'ingest'), { post: operation(family) }]),
      ...families.map((family) => [pathOf(family, 'validate'), { post: dryRun(family) }]),
    ]),
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      schemas: {
        ...Object.fromEntries(families.map(({ schemaName, schema }) => [schemaName, schema])),
        BulkResponse: bulkResponseSchema,
        ValidationResponse: validationResponseSchema,
        Problem: problemSchema,
      },
    },
  };
}

/** What is accepted of a caller. */
interface Caller extends EventTimeLimits {
  /** The provider of the token. */
  readonly providerId: string;
}

/** A family whose schema and example have the provider of the token, and times that are accepted now. */
function forCaller(family: EventFamily, { providerId, receivedAtMs, maxAgeDays }: Caller): EventFamily {
  const { schema, example, fields } = family;
  const times = { minimum: receivedAtMs - maxAgeDays * DAY_MS + HOUR_MS, maximum: receivedAtMs };
  return {
    ...family,
    schema: {
      allOf: [schema, { properties: { provider_id: { const: providerId }, [fields.time]: times } }],
    },
    example: { ...example, provider_id: providerId },
  };
}

function operation(family: EventFamily): object {
  const { schemaName, example } = family;
  const items = {
    type: 'array',
    maxItems: MAX_ITEMS,
    items: { $ref: `#/components/schemas/${schemaName}` },
  };
  const requestContent = { schema: items, example: [example] };
  return {
    operationId: family.path.slice(1),
    summary: family.summary,
    description: family.description,
    security: [{ bearer: [] }],
    requestBody: {
      description: BODY_DESCRIPTION,
      required: true,
      content: { 'application/json': requestContent, [MDS_JSON]: requestContent },
    },
    responses: {
      201: bulkAnswer('The log has stored the items that are not in `failures`', {
        success: 1,
        total: 1,
        failures: [],
      }),
      400: badRequest(family),
      ...Object.fromEntries(
        Object.entries(problems).map(([status, text]) => [status, problemAnswer(status, text)]),
      ),
    },
  };
}

/** The same request and responses, with warnings. The log is not used: there is a 503 only if the service is overloaded. */
function dryRun(family: EventFamily): object {
  const { operationId, summary, responses, ...rest } = operation(family) as {
    readonly operationId: string;
    readonly summary: string;
    readonly responses: Readonly<Record<string, unknown>>;
  };
  const { 503: _, ...others } = responses;
  const overloaded = problemAnswer('503', 'The service is overloaded. Retry after `Retry-After` seconds');
  const answer = (description: string) => bulkAnswer(description, dryRunExample, 'ValidationResponse');
  return {
    ...rest,
    operationId: `validate-${operationId}`,
    summary: `Dry run: ${summary.charAt(0).toLowerCase()}${summary.slice(1)}`,
    description:
      `Validates a body as POST ${family.path} does and has the same status and response, with \`warnings\` of likely ` +
      'mistakes, in valid items as well. Nothing is written, and its items are counted for the rate limit only.',
    responses: {
      ...others,
      503: overloaded,
      201: answer('What the endpoint would respond: the items that are not in `failures` would be written'),
      400: badRequest(family, 'ValidationResponse'),
    },
  };
}

const dryRunExample = {
  success: 1,
  total: 1,
  failures: [],
  warnings: [{ warning: 'clock-ahead', ...likelyProblems['clock-ahead'], count: 1, indexes: [0] }],
};

/** Not a parameter: a generator of requests would set the header and not compress the body. */
const BODY_DESCRIPTION =
  'May be compressed with `Content-Encoding: gzip`. The size limit also applies to the decompressed body.';

function bulkAnswer(description: string, example: object, schemaName = 'BulkResponse'): object {
  const content = { schema: { $ref: `#/components/schemas/${schemaName}` }, example };
  return {
    description,
    content: { 'application/json': content, [`${MDS_JSON};version=${MDS_VERSION}`]: content },
  };
}

function badRequest({ example }: EventFamily, schemaName = 'BulkResponse'): object {
  const failure = {
    item: example,
    index: 0,
    error: 'bad_param',
    error_description: 'location.lat must be <= 90',
    error_details: ['location.lat'],
  };
  const warnings = schemaName === 'ValidationResponse' ? { warnings: [] } : {};
  const response = { success: 0, total: 1, failures: [failure], ...warnings };
  const { content } = bulkAnswer('', response, schemaName) as { content: object };
  return {
    description: 'All items failed; or, as a problem document, the body is not a JSON array',
    content: { ...content, [PROBLEM]: { schema: { $ref: '#/components/schemas/Problem' } } },
  };
}

const problemHeaders: Readonly<Record<string, object>> = {
  401: { 'WWW-Authenticate': { description: 'RFC 6750', schema: { type: 'string' } } },
  415: {
    Accept: {
      description: 'Supported media types, if the media type is the reason',
      schema: { type: 'string' },
    },
    'Accept-Encoding': {
      description: 'Supported content codings, if the content coding is the reason',
      schema: { type: 'string' },
    },
  },
  429: {
    'Retry-After': { description: 'Seconds until a retry', schema: { type: 'integer' } },
    'RateLimit-Policy': rateLimitHeader('The events that a provider may send within the seconds of a window'),
    RateLimit: rateLimitHeader('The events that are left, and the seconds until all are available again'),
  },
  503: { 'Retry-After': { description: 'Seconds until a retry', schema: { type: 'integer' } } },
};

/** Also part of other responses if the service has a limit. */
function rateLimitHeader(description: string): object {
  return { description: `${description}; only if a rate is set`, schema: { type: 'string' } };
}

function problemAnswer(status: string, description: string): object {
  return {
    description,
    ...(problemHeaders[status] !== undefined && { headers: problemHeaders[status] }),
    content: { [PROBLEM]: { schema: { $ref: '#/components/schemas/Problem' } } },
  };
}

const bulkResponseSchema = {
  type: 'object',
  required: ['success', 'total', 'failures'],
  properties: {
    success: { type: 'integer', minimum: 0, description: 'Number of items that were written' },
    total: { type: 'integer', minimum: 0, description: 'Number of items in the request' },
    failures: {
      type: 'array',
      items: {
        type: 'object',
        required: ['item', 'index', 'error', 'error_description', 'error_details'],
        properties: {
          item: {
            description: 'The item as received; null if it is too large or nested too deeply to be returned',
          },
          index: { type: 'integer', minimum: 0, description: 'Position of the item in the request' },
          error: { enum: failureCodes },
          error_description: { type: 'string', description: 'The problems, by field' },
          error_details: {
            type: 'array',
            items: { type: 'string' },
            description: 'Names of the fields concerned',
          },
        },
      },
    },
  },
};

const validationResponseSchema = {
  type: 'object',
  required: [...bulkResponseSchema.required, 'warnings'],
  properties: {
    ...bulkResponseSchema.properties,
    success: { type: 'integer', minimum: 0, description: 'Number of items that would be written' },
    warnings: {
      type: 'array',
      items: {
        type: 'object',
        required: ['warning', 'title', 'cause', 'fix', 'count', 'indexes'],
        properties: {
          warning: { enum: Object.keys(likelyProblems) },
          title: { type: 'string' },
          cause: { type: 'string', description: 'The usual cause' },
          fix: { type: 'string' },
          count: { type: 'integer', minimum: 1, description: 'Number of items concerned' },
          indexes: {
            type: 'array',
            items: { type: 'integer', minimum: 0 },
            description: 'Positions of the first items concerned in the request',
          },
        },
      },
    },
  },
};

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
  },
};
