import type { EventFamily } from '@hailstream/events';
import { RequireScope } from '@hailstream/nest';
import { Body, Controller, Headers, Inject, Post, Req, Res, type Type } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AdmittedRequests } from '../admission/admitted-requests.js';
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
    constructor(
      private readonly ingest: IngestService,
      @Inject(AdmittedRequests) private readonly requests: AdmittedRequests,
    ) {}

    @Post()
    async post(
      @Body() body: unknown,
      @Req() request: FastifyRequest,
      @Headers('accept') accept: string | undefined,
      @Res() reply: FastifyReply,
    ): Promise<void> {
      const contentType = answerType(accept);
      if (contentType === undefined) throw unsupportedVersion(MDS_VERSION);
      const response = await this.ingest[purpose](family, body, this.requests.admit(request, reply));
      // A Buffer: Fastify appends a charset to the content type of a string, which MDS's does not have.
      const bytes = Buffer.from(JSON.stringify(response));
      await reply.status(statusOf(response)).header('content-type', contentType).send(bytes);
    }
  }
  return EventsController;
}
