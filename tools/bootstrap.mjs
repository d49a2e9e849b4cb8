// Runs the repository's commands from a clone with only Node and npm: installs if the lock file has changed, builds if
// sources have changed, then runs the compiled command in this process. It has no dependencies, because it runs before
// anything is installed or built.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const MIN_NODE = [20, 19];
/** Longest wait for another command that is installing or building. */
const LOCK_WAIT_MS = 10 * 60_000;
const LOCK_POLL_MS = 200;
/** Characters of a step's output that are kept and shown if it fails. */
const OUTPUT_TAIL_CHARS = 20_000;

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const stateFolder = join(root, 'node_modules', '.hailstream');
const stampFile = join(stateFolder, 'stamp.json');
const lockFile = join(stateFolder, 'lock');

/** Commands, and the compiled file that each runs. */
const COMMANDS = {
  start: 'tools/dist/commands/start.js',
  token: 'tools/dist/commands/token.js',
  replay: 'tools/dist/commands/replay.js',
  import: 'tools/dist/commands/import.js',
  batch: 'tools/dist/commands/batch.js',
  router: 'tools/dist/commands/router.js',
  broker: 'tools/dist/commands/broker.js',
  'copy-topics': 'tools/dist/commands/copy-topics.js',
  bench: 'bench/dist/main.js',
};

/** Checks that a change must pass in addition to the tests. */
const CHECKS = {
  format: ['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.'],
  lint: ['node_modules/oxlint/bin/oxlint', '--type-aware', '--deny-warnings'],
  types: ['node_modules/typescript/bin/tsc', '-b'],
};

class StepFailed extends Error {}

try {
  await main(process.argv[2], process.argv.slice(3));
} catch (error) {
  if (!(error instanceof StepFailed)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

async function main(command, args) {
  checkNode();
  if (command !== 'test' && command !== 'check' && !Object.hasOwn(COMMANDS, command ?? '')) {
    throw new StepFailed(
      `usage: node tools/bootstrap.mjs test|check|${Object.keys(COMMANDS).join('|')} [arguments]`,
    );
  }
  await prepare();
  if (command === 'test') {
    process.exitCode = await run(['node_modules/vitest/vitest.mjs', 'run', ...args]);
  } else if (command === 'check') {
    await check();
  } else {
    const file = join(root, COMMANDS[command]);
    // npm changes to the repository's folder; relative paths refer to the user's current folder.
    if (process.env.INIT_CWD !== undefined && existsSync(process.env.INIT_CWD))
      process.chdir(process.env.INIT_CWD);
    process.argv = [process.execPath, file, ...args];
    await import(pathToFileURL(file).href);
  }
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > MIN_NODE[0] || (major === MIN_NODE[0] && minor >= MIN_NODE[1])) return;
  throw new StepFailed(
    `Hailstream requires Node ${MIN_NODE.join('.')} or later, found ${process.versions.node}`,
  );
}

/** Installs and builds what is not up to date. Fingerprints make it quick if nothing has changed. */
async function prepare() {
  if (isCurrent(readStamp())) return;
  const release = await lock();
  try {
    // Another command may have installed or built while this one waited.
    const stamp = readStamp();
    if (stamp.installed !== installFingerprint()) {
      await install();
      writeStamp({ installed: installFingerprint() });
    }
    if (stamp.built !== buildFingerprint() || !hasOutputs()) {
      const built = buildFingerprint();
      await build();
      writeStamp({ installed: installFingerprint(), built });
    }
  } finally {
    release();
  }
}

function isCurrent(stamp) {
  return stamp.installed === installFingerprint() && stamp.built === buildFingerprint() && hasOutputs();
}

async function install() {
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const pnpm = packageManager.split('+')[0];
  await step(`Installing packages with ${pnpm}`, npx(), ['-y', pnpm, 'install', '--frozen-lockfile']);
}

/** The npx of the npm that runs this command, otherwise the one in PATH. */
function npx() {
  const npm = process.env.npm_execpath ?? '';
  return npm.endsWith('npm-cli.js') ? join(dirname(npm), 'npx-cli.js') : 'npx';
}

async function build() {
  const compile = ['node_modules/typescript/bin/tsc', '-b', ...compiledPackages()];
  const page = ['node_modules/vite/bin/vite.js', 'build', 'apps/dashboard', '--logLevel', 'warn'];
  await step('Building the services', compile[0], compile.slice(1));
  // Tests set NODE_ENV, with which React would be built for development.
  await step('Building the page', page[0], page.slice(1), { NODE_ENV: 'production' });
}

/** Packages whose compiled code runs: those of the root tsconfig except the ones that are only type-checked. */
function compiledPackages() {
  const { references } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8'));
  const checkedOnly = (path) => /(^|\/)test$/.test(path) || path === 'apps/dashboard';
  return references.map(({ path }) => path).filter((path) => !checkedOnly(path));
}

function hasOutputs() {
  return [...compiledPackages(), 'apps/dashboard'].every((path) => existsSync(join(root, path, 'dist')));
}

function installFingerprint() {
  const hash = createHash('sha256');
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml']) hash.update(readFileSync(join(root, file)));
  return hash.digest('hex');
}

/** A hash of the names, sizes and modification times of all inputs of the build. */
function buildFingerprint() {
  const hash = createHash('sha256').update(installFingerprint());
  const add = (path) => {
    const { size, mtimeMs } = statSync(path);
    hash.update(`${path}\0${size}\0${mtimeMs}\n`);
  };
  for (const file of ['tsconfig.base.json', 'tsconfig.json']) add(join(root, file));
  for (const folder of [...compiledPackages(), 'apps/dashboard']) {
    for (const file of filesBelow(join(root, folder))) add(file);
  }
  return hash.digest('hex');
}

function* filesBelow(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (['node_modules', 'dist', 'test', 'results'].includes(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else if (!entry.name.endsWith('.test.ts')) yield path;
  }
}

function readStamp() {
  try {
    return JSON.parse(readFileSync(stampFile, 'utf8'));
  } catch {
    // Missing or incomplete: everything is installed and built again.
    return {};
  }
}

function writeStamp(stamp) {
  mkdirSync(stateFolder, { recursive: true });
  writeFileSync(stampFile, JSON.stringify(stamp));
}

/** Lets one command at a time install and build. Returns a function that releases the lock. */
async function lock() {
  const deadline = Date.now() + LOCK_WAIT_MS;
  for (let attempt = 0; ; attempt += 1) {
    mkdirSync(stateFolder, { recursive: true });
    try {
      writeFileSync(lockFile, String(process.pid), { flag: 'wx' });
      return () => rmSync(lockFile, { force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const holder = Number(readFileSync(lockFile, { encoding: 'utf8', flag: 'a+' }));
    if (!isAlive(holder)) rmSync(lockFile, { force: true });
    else if (Date.now() > deadline)
      throw new StepFailed(`process ${holder} holds ${lockFile}: end the process or delete the file`);
    else {
      if (attempt === 0) console.error('Waiting for another command that is installing or building');
      await new Promise((done) => setTimeout(done, LOCK_POLL_MS));
    }
  }
}

/** The same as in libs/service, which is not built yet when this runs. */
function isAlive(pid) {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

async function check() {
  for (const [name, command] of Object.entries(CHECKS)) {
    const code = await run(command);
    console.log(`${name}: ${code === 0 ? 'passed' : 'failed'}`);
    if (code !== 0) process.exitCode = 1;
  }
}

/** Runs one of the repository's programs with this process's input and output; resolves with its exit code. */
function run(command) {
  return finished(spawnTool(command[0], command.slice(1), 'inherit'));
}

/** Runs one step of the preparation. Prints one line, and the step's output only if it fails. */
async function step(title, file, args, env = {}) {
  const startedAt = Date.now();
  const seconds = () => `${((Date.now() - startedAt) / 1000).toFixed(0)} s`;
  process.stderr.write(`${title} …`);
  const progress = process.stderr.isTTY
    ? setInterval(() => process.stderr.write(`\r${title} … ${seconds()}`), 1000)
    : undefined;
  const child = spawnTool(file, args, ['ignore', 'pipe', 'pipe'], env);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => (output = (output + text).slice(-OUTPUT_TAIL_CHARS)));
  }
  const code = await finished(child).finally(() => clearInterval(progress));
  process.stderr.write(progress ? `\r${title} … ${seconds()}\n` : ` ${seconds()}\n`);
  if (code !== 0) throw new StepFailed(`${output.trimEnd()}\n${title} failed (exit code ${code})`);
}

function spawnTool(file, args, stdio, env = {}) {
  const options = { cwd: root, stdio, env: { ...process.env, ...env } };
  const child =
    file.includes('/') || file.includes('\\')
      ? spawn(process.execPath, [resolve(root, file), ...args], options)
      : spawn(file, args, options);
  const passOn = (signal) => child.kill(signal);
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.on(signal, passOn);
    child.once('exit', () => process.off(signal, passOn));
  }
  return child;
}

function finished(child) {
  return new Promise((done, fail) => {
    child.once('error', (error) => fail(new StepFailed(`cannot run ${child.spawnfile}: ${error.message}`)));
    child.once('close', (code, signal) => {
      // Ended by a forwarded signal: end by the same signal, so that the parent process sees it.
      if (signal !== null) process.kill(process.pid, signal);
      done(code ?? 1);
    });
  });
}
