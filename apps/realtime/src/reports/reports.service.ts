import type { Report } from '@hailstream/events/reports';
import { ProblemError } from '@hailstream/nest';
import { Inject, Injectable } from '@nestjs/common';
import { BATCH_URL } from './reports.tokens.js';

/** Longest wait for a report. Pages give up earlier. */
const TIMEOUT_MS = 30_000;
const RETRY_AFTER_SECONDS = 10;

/** Fetches reports from batch, which reads them from Postgres. */
@Injectable()
export class ReportsService {
  constructor(@Inject(BATCH_URL) private readonly batchUrl: string | null) {}

  /**
   * @param query of the request to batch
   * @param authorization of the caller: batch decides what it may see
   * @throws ProblemError with the problem of batch, or if batch is not configured or does not respond
   */
  async fetch(query: string, authorization: string | undefined): Promise<Report> {
    if (this.batchUrl === null) {
      throw new ProblemError({
        status: 404,
        title: 'Not Found',
        detail: 'reports are not available: REALTIME_BATCH_URL is not set',
      });
    }
    const response = await this.request(new URL(`reports?${query}`, withSlash(this.batchUrl)), authorization);
    if (response.ok) return (await response.json()) as Report;
    throw await problemOf(response);
  }

  private async request(url: URL, authorization: string | undefined): Promise<Response> {
    try {
      return await fetch(url, {
        headers: authorization === undefined ? {} : { authorization },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch (error) {
      throw new ProblemError(
        {
          status: 503,
          title: 'Service Unavailable',
          detail: 'the batch service does not respond',
          headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
        },
        { cause: error },
      );
    }
  }
}

/** The folder of the URL is kept: a proxy may have batch below a path. */
function withSlash(url: string): string {
  return url.endsWith('/') ? url : `${url}/`;
}

async function problemOf(response: Response): Promise<ProblemError> {
  const text = await response.text();
  const { title, detail } = readProblem(text);
  return new ProblemError({
    status: response.status,
    title: title ?? response.statusText,
    ...(detail !== undefined && { detail }),
  });
}

function readProblem(text: string): { readonly title?: string; readonly detail?: string } {
  try {
    return (JSON.parse(text) ?? {}) as { title?: string; detail?: string };
  } catch {
    // Not from batch but from a proxy before it.
    return {};
  }
}
