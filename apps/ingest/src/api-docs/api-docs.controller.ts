import type { EventRegistry, EventTimeLimits } from '@hailstream/events';
import { bearerToken } from '@hailstream/nest';
import { TokenVerifier } from '@hailstream/service/tokens';
import { Controller, Get, Header, Headers, Inject } from '@nestjs/common';
import { asyncApiDocument } from './asyncapi-document.js';
import { openApiDocument } from './openapi-document.js';

/** Injects the {@link EventRegistry}. */
export const EVENT_REGISTRY = Symbol('EventRegistry');

/** Injects the limits of event times. */
export const DOCUMENTED_LIMITS = Symbol('DocumentedLimits');

const JSON_TYPE = 'application/json; charset=utf-8';

/** The documents need no token. With one, the examples of `GET /openapi.json` are valid for it. */
@Controller()
export class ApiDocsController {
  private readonly openApi: string;
  private readonly asyncApi: string;

  constructor(
    @Inject(EVENT_REGISTRY) private readonly registry: EventRegistry,
    private readonly verifier: TokenVerifier,
    @Inject(DOCUMENTED_LIMITS) private readonly limits: Omit<EventTimeLimits, 'receivedAtMs'>,
  ) {
    this.openApi = JSON.stringify(openApiDocument(registry.families));
    this.asyncApi = JSON.stringify(asyncApiDocument(registry.families));
  }

  @Get('openapi.json')
  @Header('content-type', JSON_TYPE)
  @Header('vary', 'authorization')
  async getOpenApi(@Headers('authorization') authorization?: string): Promise<string> {
    if (authorization === undefined) return this.openApi;
    const { providerId } = await this.verifier.verify(bearerToken(authorization));
    if (providerId === undefined) return this.openApi;
    const caller = { ...this.limits, providerId, receivedAtMs: Date.now() };
    return JSON.stringify(openApiDocument(this.registry.families, caller));
  }

  @Get('asyncapi.json')
  @Header('content-type', JSON_TYPE)
  getAsyncApi(): string {
    return this.asyncApi;
  }
}
