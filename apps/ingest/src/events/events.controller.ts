import type { EventFamily } from '@hailstream/events';
import { CurrentPrincipal, RequireScope } from '@hailstream/nest';
import type { Principal } from '@hailstream/service/tokens';
import { Body, Controller, Headers, Post, Res, type Type } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { answerType, MDS_VERSION } from '../body/media-types.js';
import { statusOf } from './bulk-response.js';
import { unsupportedVersion } from './events.errors.js';
import { IngestService } from './ingest.service.js';

/** What a request is for: to write events, or to learn what writing them would respond. */
type Purpose = 'ingest' | 'validate';

/** The path of requests with a family's events: `/telemetry`, or `/validate/telemetry`. */
export function pathOf({ path }: EventFamily, purpose: Purpose): string {
  return purpose === 'ingest' ? path : `/validate${path}`;
}

/** Creates the controller of a family's path for one purpose. */
export function createEventsController(family: EventFamily, purpose: Purpose): Type {
  @Controller(pathOf(family, purpose))
  @RequireScope('write')
  class EventsController {
    constructor(private readonly ingest: IngestService) {}

    @Post()
    async post(
      @Body() body: unknown,
      @CurrentPrincipal() principal: Principal,
      @Headers('accept') accept: string | undefined,
      @Res() reply: FastifyReply,
    ): Promise<void> {
      const contentType = answerType(accept);
      if (contentType === undefined) throw unsupportedVersion(MDS_VERSION);
      const response = await this.ingest[purpose](family, body, principal.providerId);
      // A Buffer: Fastify appends a charset to the content type of a string, which MDS's does not have.
      const bytes = Buffer.from(JSON.stringify(response));
      await reply.status(statusOf(response)).header('content-type', contentType).send(bytes);
    }
  }
  return EventsController;
}
