import { createHash } from 'node:crypto';
import type { City } from '@hailstream/events/live';
import { RequireScope } from '@hailstream/nest';
import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import fresh from 'fresh';
import { CITY } from './page.tokens.js';

/** `GET /city`: the roads and bounds of the city. It does not change while the process runs, so it is encoded once. */
@Controller('city')
@RequireScope('read')
export class CityController {
  private readonly json: string;
  private readonly headers: { readonly etag: string } & Readonly<Record<string, string>>;

  constructor(@Inject(CITY) city: City) {
    this.json = JSON.stringify(city);
    const digest = createHash('sha256').update(this.json).digest('base64url').slice(0, 22);
    // Weak, because it is the same for all encodings.
    this.headers = { etag: `W/"${digest}"`, 'cache-control': 'private, no-cache', vary: 'accept-encoding' };
  }

  @Get()
  city(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    void reply.headers(this.headers);
    if (fresh(request.headers, this.headers)) void reply.status(304).send();
    else void reply.type('application/json; charset=utf-8').send(this.json);
  }
}
