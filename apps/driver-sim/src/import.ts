import { UsageError } from '@hailstream/service/command-line';
import { ConfigError } from '@hailstream/service/config';
import { loadReplayConfig } from './config.js';
import { importHelp, parseImportArgs } from './imports/import-args.js';
import { runImport } from './imports/run-import.js';
import { IngestRefusedError } from './outbox/outbox.js';
import { TraceError } from './trace/read-lines.js';

const stopped = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort());

const argv = process.argv.slice(2);
if (argv.includes('--help') || argv.includes('-h')) {
  process.stdout.write(`${importHelp()}\n`);
} else {
  try {
    const args = parseImportArgs(argv);
    process.exitCode = await runImport({
      args,
      config: loadReplayConfig(process.env),
      signal: stopped.signal,
    });
  } catch (error) {
    const isExpected = [ConfigError, UsageError, TraceError, IngestRefusedError].some(
      (kind) => error instanceof kind,
    );
    const reason = error instanceof Error ? (isExpected ? error.message : error.stack) : String(error);
    for (const line of String(reason).split('\n')) process.stderr.write(`import: ${line}\n`);
    process.exitCode = 1;
  }
}
