// Runs the proofs from their sources, as the tests do, so that no build is needed.
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const main = fileURLToPath(new URL('main.ts', import.meta.url));
const { module } = await runnerImport(main, {
  configFile: false,
  logLevel: 'error',
  oxc: { target: 'node20' },
});
process.exitCode = await module.prove(process.argv.slice(2));
