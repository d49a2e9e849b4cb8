import type { EventFamily } from '@hailstream/events';
import { MAX_ITEMS } from '../body/json-body.js';
import { MDS_JSON, MDS_VERSION } from '../body/media-types.js';
import { failureCodes } from '../events/bulk-response.js';

const PROBLEM = 'application/problem+json';

/** Responses that are problems: what each status means here. */
const problems: Readonly<Record<string, string>> = {
  401: 'No token, or one that is invalid, expired, or without scope `write` or `provider_id`',
  406: `Another version of MDS than ${MDS_VERSION} is asked for`,
  413: `The body is too large, before or after decoding, or has more than ${MAX_ITEMS} items`,
  415: 'The body is not declared as JSON in UTF-8, or its encoding is neither gzip nor identity',
  503: 'Nothing was written: the log is away or busy. Send again after `Retry-After` seconds, with the same ids',
};

/** This service's interface, derived from the schemas that requests are checked with. @see OpenAPI 3.1 */
export function openApiDocument(families: readonly EventFamily[]): object {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Hailstream ingest',
      version: MDS_VERSION,
      description:
        'Events in, in the shapes of MDS Agency 2.0.2. An item that is not among the `failures` of a 201 is in the log. ' +
        'Whatever else is answered: send again, with the same ids; that is always safe.',
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
      201: bulkAnswer('The items that are not among the failures are in the log', {
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
  description: 'How the body is compressed. Its limit holds for the decoded bytes, too.',
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
    description: 'Not one item is good; or, as a problem, the body is no JSON array',
    content: { ...content, [PROBLEM]: { schema: { $ref: '#/components/schemas/Problem' } } },
  };
}

const problemHeaders: Readonly<Record<string, object>> = {
  401: { 'WWW-Authenticate': { description: 'RFC 6750', schema: { type: 'string' } } },
  415: {
    Accept: { description: 'The media types, if the type is the reason', schema: { type: 'string' } },
    'Accept-Encoding': {
      description: 'The encodings, if the encoding is the reason',
      schema: { type: 'string' },
    },
  },
  503: { 'Retry-After': { description: 'Seconds', schema: { type: 'integer' } } },
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
    success: { type: 'integer', minimum: 0, description: 'Items that were written' },
    total: { type: 'integer', minimum: 0, description: 'Items that were sent' },
    failures: {
      type: 'array',
      items: {
        type: 'object',
        required: ['item', 'index', 'error', 'error_description', 'error_details'],
        properties: {
          item: {
            description: 'The item as it was sent; null where it is too large or too deep to be sent back',
          },
          index: { type: 'integer', minimum: 0, description: 'Its place in the request' },
          error: { enum: failureCodes },
          error_description: { type: 'string', description: 'What is wrong, field by field' },
          error_details: {
            type: 'array',
            items: { type: 'string' },
            description: 'The fields that are meant',
          },
        },
      },
    },
  },
};

const problemSchema = {
  type: 'object',
  description: 'RFC 9457',
  required: ['type', 'title', 'status'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    instance: { type: 'string' },
  },
};
