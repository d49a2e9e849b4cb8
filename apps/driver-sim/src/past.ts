import { UsageError } from '@hailstream/service/command-line';
import { ConfigError } from '@hailstream/service/config';
import { loadDriverSimConfig } from './config.js';
import { IngestRefusedError } from './outbox/outbox.js';
import { parsePastArgs } from './past/past-args.js';
import { runPast } from './past/run-past.js';

const stopped = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort());

try {
  const args = parsePastArgs(process.argv.slice(2));
  const config = loadDriverSimConfig(process.env, args.simulation);
  process.exitCode = await runPast({ args, config, signal: stopped.signal });
} catch (error) {
  const isExpected = [ConfigError, UsageError, IngestRefusedError].some((kind) => error instanceof kind);
  const reason = error instanceof Error ? (isExpected ? error.message : error.stack) : String(error);
  for (const line of String(reason).split('\n')) process.stderr.write(`past: ${line}\n`);
  process.exitCode = 1;
}
