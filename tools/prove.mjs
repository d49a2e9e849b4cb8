// Runs the proofs of the package in the current folder from their sources, as the tests do.
import { resolve } from 'node:path';
import { runnerImport } from 'vite';

const { module } = await runnerImport(resolve('test/proofs/main.ts'), {
  configFile: false,
  logLevel: 'error',
  oxc: { target: 'node20' },
});
process.exitCode = await module.prove(process.argv.slice(2));
