import { UsageError } from '@hailstream/service/command-line';
import { ConfigError } from '@hailstream/service/config';
import { loadReplayConfig } from './config.js';
import { IngestRefusedError } from './outbox/outbox.js';
import { parseReplayArgs } from './trace/replay-args.js';
import { runReplay } from './trace/run-replay.js';
import { TraceError } from './trace/read-lines.js';

const stopped = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort());

try {
  const args = parseReplayArgs(process.argv.slice(2));
  const config = loadReplayConfig(process.env);
  process.exitCode = await runReplay({ args, config, signal: stopped.signal });
} catch (error) {
  const isExpected = [ConfigError, UsageError, TraceError, IngestRefusedError].some(
    (kind) => error instanceof kind,
  );
  const reason = error instanceof Error ? (isExpected ? error.message : error.stack) : String(error);
  for (const line of String(reason).split('\n')) process.stderr.write(`replay: ${line}\n`);
  process.exitCode = 1;
}
