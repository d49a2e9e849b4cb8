import { readFileSync } from 'node:fs';
import Type from 'typebox';
import { Value } from 'typebox/value';
import { parseDocument } from 'yaml';
import { MEBIBYTE, sinkSchemas, type SinkSpec } from './sink-specs.js';

/** How many records are delivered together: a batch ends as soon as it reaches one of the limits. */
const Batching = Type.Object(
  {
    records: Type.Integer({ minimum: 1, maximum: 10_000_000, default: 100_000 }),
    sizeBytes: Type.Integer({ minimum: 65_536, maximum: 1024 * MEBIBYTE, default: 32 * MEBIBYTE }),
    intervalSeconds: Type.Integer({ minimum: 1, maximum: 86_400, default: 600 }),
  },
  { additionalProperties: false, default: {} },
);
export type BatchingSpec = Type.Static<typeof Batching>;

const Job = Type.Object(
  {
    /** Also names the job's consumer group. */
    name: Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,62}$', description: 'a name of a-z, 0-9 and "-"' }),
    topics: Type.Array(Type.String({ pattern: '^[a-zA-Z0-9._-]{1,249}$' }), {
      minItems: 1,
      uniqueItems: true,
    }),
    sink: Type.Object({ type: Type.Enum(Object.keys(sinkSchemas)) }),
    batching: Batching,
    /** Batches in memory at the same time. */
    concurrency: Type.Integer({ minimum: 1, maximum: 64, default: 2 }),
  },
  { additionalProperties: false },
);

/** A routing job: topics of the log, and the sink that their records are delivered to. */
export interface JobSpec extends Omit<Type.Static<typeof Job>, 'sink'> {
  readonly sink: SinkSpec;
}

const RouterFile = Type.Object(
  { jobs: Type.Array(Job, { minItems: 1, maxItems: 100 }) },
  { additionalProperties: false },
);

/** The router file cannot be read, or is not valid. Each line of the message names one place. */
export class RouterFileError extends Error {
  override readonly name = 'RouterFileError';
  readonly code = 'ROUTER_FILE';
}

/**
 * Reads the jobs from a YAML file.
 *
 * @throws RouterFileError if the file cannot be read or is not valid
 */
export function readRouterFile(path: string): readonly JobSpec[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new RouterFileError(`${path}: ${(error as NodeJS.ErrnoException).code ?? String(error)}`, {
      cause: error,
    });
  }
  return parseRouterFile(text, path);
}

/** Parses the text of a router file; `path` names it in messages. @throws RouterFileError if it is not valid */
export function parseRouterFile(text: string, path: string): readonly JobSpec[] {
  const document = parseDocument(text);
  const [syntaxError] = document.errors;
  if (syntaxError)
    throw new RouterFileError(`${path}: ${syntaxError.message.split('\n')[0]}`, { cause: syntaxError });
  const file: unknown = Value.Default(RouterFile, document.toJS() ?? {});
  const issues = issuesOf(RouterFile, file, '');
  if (issues.length > 0) throw invalid(path, issues);
  const { jobs } = file as Type.Static<typeof RouterFile>;
  const sinkIssues: string[] = [];
  const specs = jobs.map((job, index): JobSpec => {
    const schema = sinkSchemas[job.sink.type as SinkSpec['type']];
    const sink: unknown = Value.Default(schema, job.sink);
    sinkIssues.push(...issuesOf(schema, sink, `/jobs/${index}/sink`));
    return { ...job, sink: sink as SinkSpec };
  });
  if (sinkIssues.length > 0) throw invalid(path, sinkIssues);
  const names = jobs.map(({ name }) => name);
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) throw invalid(path, [`jobs: two jobs have the name "${repeated}"`]);
  return specs;
}

function invalid(path: string, issues: readonly string[]): RouterFileError {
  return new RouterFileError(issues.map((issue) => `${path}: ${issue}`).join('\n'));
}

/** What is wrong in each place: `jobs[0].sink.bucket: is required`. */
function issuesOf(schema: Type.TSchema, value: unknown, prefix: string): string[] {
  const issues = new Set<string>();
  for (const { keyword, instancePath, message, params } of Value.Errors(schema, value)) {
    const place = placeOf(`${prefix}${instancePath}`);
    const add = (name: string, issue: string): void => void issues.add(`${name || 'the file'}: ${issue}`);
    switch (keyword) {
      case 'required':
        for (const name of params.requiredProperties)
          add(place === '' ? name : `${place}.${name}`, 'is required');
        break;
      case 'enum':
        add(place, `expected one of ${params.allowedValues.join(', ')}`);
        break;
      // Unknown members are reported twice: where they are, and as members of their parent.
      case 'boolean':
        add(place, 'is unknown');
        break;
      case 'additionalProperties':
        break;
      default:
        add(place, message);
    }
  }
  return [...issues];
}

function placeOf(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => (/^\d+$/.test(part) ? `[${part}]` : `.${part}`))
    .join('')
    .replace(/^\./, '');
}
