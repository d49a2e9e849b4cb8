#!/usr/bin/env node
import { keepFilesPrivate } from '@hailstream/service/private-files';
import { pino } from 'pino';
import { parseCommand } from './command-line.js';
import { startBroker } from './index.js';

await run();

async function run(): Promise<void> {
  try {
    const command = parseCommand(process.argv.slice(2));
    if (command.kind === 'tell') {
      process.stdout.write(command.text);
      return;
    }
    keepFilesPrivate();
    const { options, logLevel } = command;
    const broker = await startBroker({ ...options, logger: pino({ name: 'broker', level: logLevel }) });
    const stop = () => {
      broker.stop().catch((error: unknown) => fail(error));
    };
    process.once('SIGTERM', stop);
    process.once('SIGINT', stop);
    process.stdout.write(`listening on ${broker.address}, data in ${options.dataDir}\n`);
  } catch (error) {
    fail(error);
  }
}

/** Prints one line for each problem. */
function fail(error: unknown): void {
  for (const line of (error as Error).message.split('\n'))
    process.stderr.write(`hailstream-broker: ${line}\n`);
  process.exitCode = 1;
}
