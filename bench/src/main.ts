import { parseArgs } from 'node:util';
import { machine, table, writeJson, type Row } from './harness/report.js';
import { suites } from './suites/index.js';
import { efforts } from './suites/suite.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false } },
});
const unknown = positionals.filter((name) => !suites.some((suite) => suite.name === name));
if (unknown.length > 0) {
  process.stderr.write(
    `bench: there is no suite ${unknown.join(', ')}; there are ${suites.map(({ name }) => name).join(', ')}\n`,
  );
  process.exitCode = 1;
} else {
  await run();
}

async function run(): Promise<void> {
  const takenAt = new Date();
  const rows: Row[] = [];
  for (const suite of suites.filter(({ name }) => positionals.length === 0 || positionals.includes(name))) {
    rows.push(
      ...(await suite.run(values.quick ? efforts.quick : efforts.full, (what) => {
        process.stderr.write(`${suite.name}: ${what}\n`);
      })),
    );
  }
  process.stdout.write(`\n${table(rows)}\n\n${machine()}\n`);
  process.stdout.write(`each round: ${writeJson('bench/results', rows, takenAt)}\n`);
}
