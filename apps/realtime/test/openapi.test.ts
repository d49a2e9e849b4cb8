import { startTestBroker } from '@hailstream/log/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { id, minuteOfEvents } from '../src/fold/events.fixture.js';
import { append, createTopics, getJson, startRealtime, temporaryFolder, untilReady } from './_util.js';

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly example?: unknown;
    readonly schema: { readonly default?: string | number };
  }[];
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, object>> }>>;
}

interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

/** Paths of the page and of operators, or that AsyncAPI describes. */
const NOT_DESCRIBED = [
  /^\/health/,
  /^\/metrics$/,
  /^\/(openapi|asyncapi)\.json$/,
  /^\/stream$/,
  /^\/session$/,
  /^\/$/,
  /\*/,
];

/** Every path that the app serves, as in the document. */
function routesOf(app: NestFastifyApplication): string[] {
  const lines = app.getHttpAdapter().getInstance().printRoutes({ commonPrefix: false }).split('\n');
  const parents: string[] = [];
  const paths = lines.flatMap((line) => {
    const [, indent = '', segment = '', methods] = /^([│├└─ ]*)(\S*)(?: \((.*)\))?$/.exec(line) ?? [];
    const depth = indent.length / 4;
    parents.splice(Math.max(0, depth - 1), Infinity, segment);
    return methods === undefined ? [] : [parents.join('')];
  });
  const described = paths.filter((path) => !NOT_DESCRIBED.some((pattern) => pattern.test(path)));
  return [...new Set(described)];
}

describe('GET /openapi.json', () => {
  it('describes every path, and responses as they are', async () => {
    await using folder = await temporaryFolder();
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    await append(broker.address, minuteOfEvents(Date.now() - 1_000));
    await using realtime = await startRealtime(broker.address, { REALTIME_HISTORY_DIR: folder.path });
    await untilReady(realtime);
    const { body: document } = await getJson<OpenApi & Record<string, unknown>>(
      `${realtime.url}/openapi.json`,
    );

    const { body: list } = await getJson<{ trips: { trip_id: string }[] }>(`${realtime.url}/trips`);
    const [trip] = list.trips;
    const names = (path: string) => path.replaceAll(/:\w+|\{\w+\}/g, '{}');
    expect(Object.keys(document.paths).map(names).sort()).toEqual(routesOf(realtime.app).map(names).sort());

    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema({ $id: 'api', components: document.components });
    const problems: unknown[] = [];
    for (const [path, operations] of Object.entries(document.paths)) {
      const { get } = operations;
      if (get === undefined) continue;
      const known = path.replace('{device_id}', id(1)).replace('{trip_id}', trip?.trip_id ?? '');
      const response = await getJson(`${realtime.url}${known}${queryOf(get)}`);
      const schema = get.responses[String(response.status)]?.content;
      if (response.status !== 200 && !UNAVAILABLE.has(path)) problems.push([path, response]);
      if (schema === undefined) problems.push([path, response.status, 'not described']);
      const name = Object.values(schema ?? {}).map((content) => refOf(content))[0]!;
      const validate = ajv.compile({ $ref: `api#/components/schemas/${name}` });
      if (!validate(response.body)) problems.push([path, validate.errors]);
    }
    expect(problems).toEqual([]);
    // Although it has no effect without `at`.
    expect((await getJson(`${realtime.url}/vehicles?by=unknown`)).status).toBe(400);
  });
});

/** Paths whose response needs more than the test has: another service, or a record. */
const UNAVAILABLE: ReadonlySet<string> = new Set(['/reports', '/dead-letters/record']);

/** A query with all default values. */
function queryOf({ parameters = [] }: Operation): string {
  const values = parameters.flatMap(({ name, schema }) =>
    schema.default === undefined ? [] : [[name, String(schema.default)] as [string, string]],
  );
  return `?${new URLSearchParams(values).toString()}`;
}

function refOf(content: object): string {
  return String((content as { schema: { $ref: string } }).schema.$ref)
    .split('/')
    .at(-1)!;
}
