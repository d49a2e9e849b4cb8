import { alertStates, severities, type Alert, type AlertState, type Severity } from '@hailstream/events';
import type { ProviderFilter } from '../fold/city-state.js';
import { QueryError, QueryParameters } from '../query/query-parameters.js';

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 500;
const MAX_TEXT_CHARS = 200;

interface Cursor {
  readonly raisedAt: number;
  readonly id: string;
}

/** What a request for alerts selects. */
export interface AlertQuery {
  readonly states: readonly AlertState[] | undefined;
  readonly severities: readonly Severity[] | undefined;
  readonly rule: string | undefined;
  readonly provider: ProviderFilter;
  readonly limit: number;
  readonly after: Cursor | undefined;
}

/** @throws QueryError if a parameter is invalid */
export function parseAlertQuery(
  query: Readonly<Record<string, unknown>>,
  allowed: ProviderFilter,
): AlertQuery {
  const parameters = new QueryParameters(query);
  return {
    states: parameters.choices('state', alertStates),
    severities: parameters.choices('severity', severities),
    rule: parameters.text('rule', MAX_TEXT_CHARS),
    provider: parameters.provider(allowed),
    limit: parameters.integer('limit', { default: DEFAULT_LIMIT, minimum: 1, maximum: MAX_LIMIT }),
    after: cursorOf(parameters),
  };
}

export function matches(alert: Alert, { states, severities: of, rule, provider }: AlertQuery): boolean {
  return (
    (states === undefined || states.includes(alert.state)) &&
    (of === undefined || of.includes(alert.severity)) &&
    (rule === undefined || alert.rule_id === rule) &&
    (provider === null || alert.provider_id === provider)
  );
}

/** The `cursor` of the page after this alert. */
export function cursorAfter({ raised_at: raisedAt, alert_id: id }: Alert): string {
  return Buffer.from(JSON.stringify([raisedAt, id])).toString('base64url');
}

/** Whether an alert is behind the cursor in the order of the list. */
export function isAfter({ raised_at: raisedAt, alert_id: id }: Alert, cursor: Cursor): boolean {
  return raisedAt < cursor.raisedAt || (raisedAt === cursor.raisedAt && id < cursor.id);
}

function cursorOf(parameters: QueryParameters): Cursor | undefined {
  const value = parameters.text('cursor', MAX_TEXT_CHARS);
  if (value === undefined) return undefined;
  try {
    const [raisedAt, id] = JSON.parse(Buffer.from(value, 'base64url').toString()) as unknown[];
    if (typeof raisedAt === 'number' && typeof id === 'string') return { raisedAt, id };
  } catch {
    // Reported below.
  }
  throw new QueryError('cursor', 'expected the value of next in a response');
}
