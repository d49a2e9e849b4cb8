import { CurrentPrincipal, Scope, type Principal } from '@hailstream/nest';
import { Body, Controller, Headers, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { BulkResponse } from './bulk-response.js';
import {
  riderEventsEndpoint,
  telemetryEndpoint,
  tripsEndpoint,
  vehicleEventsEndpoint,
  type Endpoint,
} from './endpoints.js';
import { otherVersion } from './intake.errors.js';
import { Intake } from './intake.service.js';
import { answerType, MDS_VERSION } from './media-types.js';

/** Where devices and operators send events. */
@Controller()
@Scope('write')
export class IntakeController {
  constructor(private readonly intake: Intake) {}

  @Post(telemetryEndpoint.path)
  telemetry(
    @Body() body: unknown,
    @CurrentPrincipal() principal: Principal,
    @Headers('accept') accept: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.answer(telemetryEndpoint, { body, principal, accept, reply });
  }

  @Post(vehicleEventsEndpoint.path)
  vehicleEvents(
    @Body() body: unknown,
    @CurrentPrincipal() principal: Principal,
    @Headers('accept') accept: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.answer(vehicleEventsEndpoint, { body, principal, accept, reply });
  }

  @Post(tripsEndpoint.path)
  trips(
    @Body() body: unknown,
    @CurrentPrincipal() principal: Principal,
    @Headers('accept') accept: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.answer(tripsEndpoint, { body, principal, accept, reply });
  }

  @Post(riderEventsEndpoint.path)
  riderEvents(
    @Body() body: unknown,
    @CurrentPrincipal() principal: Principal,
    @Headers('accept') accept: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.answer(riderEventsEndpoint, { body, principal, accept, reply });
  }

  private async answer(endpoint: Endpoint, { body, principal, accept, reply }: Exchange): Promise<void> {
    const contentType = answerType(accept);
    if (contentType === undefined) throw otherVersion(MDS_VERSION);
    const response = await this.intake.take(body, endpoint, principal.providerId);
    // Fastify would rewrite the content type of a text, and MDS says how it is written.
    const bytes = Buffer.from(JSON.stringify(response));
    await reply.status(statusOf(response)).header('content-type', contentType).send(bytes);
  }
}

interface Exchange {
  readonly body: unknown;
  readonly principal: Principal;
  readonly accept: string | undefined;
  readonly reply: FastifyReply;
}

/** 201 where something was written, or nothing had to be; 400 where nothing of the request was good. */
function statusOf({ success, total }: BulkResponse): number {
  return success > 0 || total === 0 ? 201 : 400;
}
