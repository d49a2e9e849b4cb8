import { randomUUID } from 'node:crypto';
import type { Telemetry } from '@hailstream/events';
import { Pool } from 'undici';
import { TelemetrySource } from './telemetry.js';

/** Posts new points to ingest. A request fails if not all of its points are accepted. */
export class TelemetryClient implements AsyncDisposable {
  private readonly pool: Pool;
  private readonly source = new TelemetrySource();
  private readonly headers: Record<string, string>;

  constructor(url: string, { token, connections }: { readonly token: string; readonly connections: number }) {
    this.pool = new Pool(url, { connections });
    this.headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  }

  send(size: number): Promise<void> {
    return this.post(this.source.batch(size));
  }

  /** Posts a point of a device that has sent nothing before. Returns the id of the device. */
  async sendFromNewDevice(): Promise<string> {
    const point = { ...this.source.next(), device_id: randomUUID() };
    await this.post([point]);
    return point.device_id;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pool.close();
  }

  private async post(points: readonly Telemetry[]): Promise<void> {
    const { statusCode, body } = await this.pool.request({
      method: 'POST',
      path: '/telemetry',
      headers: this.headers,
      body: JSON.stringify(points),
    });
    const answer = (await body.json()) as { success?: number };
    if (statusCode !== 201 || answer.success !== points.length) {
      throw new Error(`posting ${points.length} points returned ${statusCode}: ${JSON.stringify(answer)}`);
    }
  }
}
