import type { EventFamily } from '@hailstream/events';
import { MAX_ITEMS } from '../body/json-body.js';
import { MDS_JSON, MDS_VERSION } from '../body/media-types.js';
import { failureCodes } from '../events/bulk-response.js';

const PROBLEM = 'application/problem+json';

/** Problem responses, with the meaning of each status. */
const problems: Readonly<Record<string, string>> = {
  401: 'Missing, invalid or expired token, or a token without scope `write` or `provider_id`',
  406: `\`Accept\` requests a version of MDS other than ${MDS_VERSION}`,
  413: `The body exceeds the size limit, before or after decompression, or has more than ${MAX_ITEMS} items`,
  415: 'The body is not declared as JSON in UTF-8, or its content coding is not gzip or identity',
  503: 'Nothing was written: the log is unreachable or overloaded. Retry after `Retry-After` seconds, with the same ids',
};

/** Describes the endpoints, derived from the registry. The schemas are those that validate requests. @see OpenAPI 3.1 */
export function openApiDocument(families: readonly EventFamily[]): object {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Hailstream ingest',
      version: MDS_VERSION,
      description:
        'Accepts events in the format of MDS Agency 2.0.2. With a 201, the log has stored every item that is not in ' +
        '`failures`. After any other response, or none, retry with the same ids: that is always safe.',
    },
    paths: Object.fromEntries(families.map((family) => [family.path, { post: operation(family) }])),
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      schemas: {
        ...Object.fromEntries(families.map(({ schemaName, schema }) => [schemaName, schema])),
        BulkResponse: bulkResponseSchema,
        Problem: problemSchema,
      },
    },
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
    parameters: [contentEncoding],
    requestBody: {
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

const contentEncoding = {
  name: 'Content-Encoding',
  in: 'header',
  description: 'Compression of the body. The size limit also applies to the decompressed body.',
  schema: { enum: ['gzip', 'identity'], default: 'identity' },
};

function bulkAnswer(description: string, example: object): object {
  const content = { schema: { $ref: '#/components/schemas/BulkResponse' }, example };
  return {
    description,
    content: { 'application/json': content, [`${MDS_JSON};version=${MDS_VERSION}`]: content },
  };
}

function badRequest({ example }: EventFamily): object {
  const { content } = bulkAnswer('', {
    success: 0,
    total: 1,
    failures: [
      {
        item: example,
        index: 0,
        error: 'bad_param',
        error_description: 'location.lat must be <= 90',
        error_details: ['location.lat'],
      },
    ],
  }) as { content: object };
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
  503: { 'Retry-After': { description: 'Seconds until a retry', schema: { type: 'integer' } } },
};

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
