import type { HistoryOrder } from '@hailstream/events/live';
import type { Principal } from '@hailstream/service/tokens';
import { Injectable } from '@nestjs/common';
import { CityState } from '../fold/city-state.js';
import { historyProblem } from '../history/history.problem.js';
import { HistoryService } from '../history/history.service.js';
import { parseOrder, parseTime, requireWithin } from '../history/moment-query.js';
import type { CityRead, CityReads } from '../history/worker-protocol.js';
import { QueryParameters } from '../query/query-parameters.js';
import { RebuildService } from '../rebuild/rebuild.service.js';
import { readCity } from './city-reads.js';

/** Responses of the present are shared by equal requests within this time, so that many pages cost as much as one. */
const SHARED_MS: Readonly<Record<CityRead, number>> = {
  count: 1_000,
  demand: 2_000,
  kpis: 4_000,
  speeding: 1_000,
  stillness: 1_000,
};

/** Maximum number of responses that are shared. */
const MAX_SHARED = 200;

/** A response, and the order of a moment of the past. */
interface Found<Name extends CityRead> {
  readonly result: CityReads[Name];
  readonly by: HistoryOrder;
}

/** Answers requests with what is read of the city, as of now or, with `at`, as of a moment of the past. */
@Injectable()
export class ReadsService {
  private readonly shared = new Map<string, { readonly at: number; readonly result: unknown }>();

  constructor(
    private readonly city: CityState,
    private readonly rebuild: RebuildService,
    private readonly history: HistoryService,
  ) {}

  /** @throws ProblemError 503 until the city is rebuilt; 400 if a parameter or the moment is invalid */
  async read<Name extends CityRead>(
    name: Name,
    principal: Principal,
    query: Readonly<Record<string, unknown>>,
  ): Promise<Found<Name>> {
    this.rebuild.requireRebuilt();
    const allowed = principal.providerId ?? null;
    const parameters = new QueryParameters(query);
    try {
      const at = parseTime(parameters, 'at');
      const by = parseOrder(parameters);
      if (at === undefined) return { result: this.readNow(name, allowed, query), by: 'event' };
      requireWithin(at, this.history.limits(by));
      const result = await this.history.read(name, { by, at, filter: allowed, parameters: query });
      return { result, by };
    } catch (error) {
      throw historyProblem(error);
    }
  }

  private readNow<Name extends CityRead>(
    name: Name,
    allowed: string | null,
    query: Readonly<Record<string, unknown>>,
  ): CityReads[Name] {
    const now = Date.now();
    const key = JSON.stringify([name, allowed, Object.entries(query).sort(([a], [b]) => (a < b ? -1 : 1))]);
    const known = this.shared.get(key);
    if (known !== undefined && now - known.at < SHARED_MS[name]) return known.result as CityReads[Name];
    const parameters = new QueryParameters(query);
    const result = readCity(name, this.city, { parameters, allowed, now });
    if (this.shared.size >= MAX_SHARED) this.shared.clear();
    this.shared.set(key, { at: now, result });
    return result;
  }
}
