import { bearerToken, CurrentPrincipal, RequireScope } from '@hailstream/nest';
import type { Principal } from '@hailstream/service/tokens';
import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { withBadRequest } from '../query/bad-request.js';
import { QueryParameters } from '../query/query-parameters.js';
import { parseEventId, parseStreamQuery } from './stream-query.js';
import { SessionsService } from '../sessions/sessions.service.js';
import { StreamService } from './stream.service.js';

/** `GET /stream`: the messages that sockets are sent, as server-sent events. */
@Controller('stream')
@RequireScope('read')
export class StreamController {
  constructor(
    private readonly streams: StreamService,
    private readonly sessions: SessionsService,
  ) {}

  @Get()
  async stream(
    @CurrentPrincipal() principal: Principal,
    @Query() query: Record<string, unknown>,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const filter = principal.providerId ?? null;
    const parsed = withBadRequest(() => parseStreamQuery(new QueryParameters(query), filter));
    const resume = parseEventId(request.headers['last-event-id']);
    const caller = await this.sessions.identify(bearerToken(request.headers.authorization), request.headers);
    this.streams.admit(caller);
    reply.hijack();
    this.streams.open(reply.raw, {
      watched: parsed.watched,
      viewport: { ...parsed.viewport, ...(resume !== undefined && { resume }) },
      caller,
      filter,
    });
  }
}
