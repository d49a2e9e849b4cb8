import type { PageCommands } from '@hailstream/events/live';
import { Controller, Get, Inject } from '@nestjs/common';
import { PAGE_COMMANDS } from './page.tokens.js';

/** `GET /commands`, without a token: a user who is not signed in must be able to read how to sign in. */
@Controller('commands')
export class CommandsController {
  constructor(@Inject(PAGE_COMMANDS) private readonly page: PageCommands) {}

  @Get()
  commands(): PageCommands {
    return this.page;
  }
}
