import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { City } from '@hailstream/events/live';
import { RequireScope } from '@hailstream/nest';
import { Controller, Get, Headers, Inject, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { CITY } from './page.tokens.js';

/** `GET /city`: the roads and bounds of the city. It does not change while the process runs, so it is encoded once. */
@Controller('city')
@RequireScope('read')
export class CityController {
  private readonly json: Buffer;
  private readonly gzipped: Buffer;
  private readonly etag: string;

  constructor(@Inject(CITY) city: City) {
    this.json = Buffer.from(JSON.stringify(city));
    this.gzipped = gzipSync(this.json);
    this.etag = `W/"${createHash('sha256').update(this.json).digest('base64url').slice(0, 22)}"`;
  }

  @Get()
  city(
    @Headers('if-none-match') known: string | undefined,
    @Headers('accept-encoding') encodings: string | undefined,
    @Res() reply: FastifyReply,
  ): void {
    void reply.headers({ 'cache-control': 'private, no-cache', etag: this.etag, vary: 'accept-encoding' });
    if (known === this.etag) return void reply.status(304).send();
    const isGzip = /\bgzip\b/.test(encodings ?? '');
    if (isGzip) void reply.header('content-encoding', 'gzip');
    void reply.type('application/json; charset=utf-8').send(isGzip ? this.gzipped : this.json);
  }
}
