import 'reflect-metadata';
import { Body, Controller, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';

// The HTTP stack of ingest with the same responses, but without work: it parses a body and discards it.

@Controller()
class NothingController {
  @Post('telemetry')
  accept(@Body() items: unknown[]): object {
    return { success: items.length, total: items.length, failures: [] };
  }
}

@Module({ controllers: [NothingController] })
class NothingModule {}

const app = await NestFactory.create<NestFastifyApplication>(NothingModule, new FastifyAdapter(), {
  logger: false,
});
app.enableShutdownHooks();
app.getHttpAdapter().get('/health/ready', (_request: unknown, reply: { send(body: object): void }) => {
  reply.send({ status: 'ok' });
});
await app.listen(Number(process.env['PORT']), process.env['HOST'] ?? '127.0.0.1');
