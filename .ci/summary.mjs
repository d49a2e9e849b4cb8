// Prints `N passed, N failed` of a CI run and exits with 0 only if nothing failed. Arguments: the folder with what the
// checks printed (`checks`) and with vitest's JSON reports (`NAME.json`), then `NAME=EXIT_CODE` for each test run. A check
// counts like a test.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const CHECKS = 3;

// The first line of a failure, and no more: the whole message is in the output of the test run.
const REASON_LENGTH = 300;

const [folder, ...runs] = process.argv.slice(2);

const text = readFileSync(join(folder, 'checks'), 'utf8');
const checks = [...text.matchAll(/^(format|lint|types): (passed|failed)$/gm)];
const checksPassed = checks.filter(([, , outcome]) => outcome === 'passed').length;
const results = [{ passed: checksPassed, failed: CHECKS - checksPassed }, ...runs.map(readRun)];
// A CI run without any test run has not done its work.
if (runs.length === 0) results.push({ passed: 0, failed: 1 });

const passed = results.reduce((sum, result) => sum + result.passed, 0);
const failed = results.reduce((sum, result) => sum + result.failed, 0);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function readRun(argument) {
  const [name, exitCode] = argument.split('=');
  const report = readReport(name);
  const passed = report.numPassedTests;
  let failed = report.numFailedTests + brokenFiles(report);
  // A run without tests, an unhandled error, or a run that ended early.
  if (failed === 0 && (exitCode !== '0' || passed === 0)) failed = 1;
  console.log(`${name}: ${passed} passed, ${failed} failed`);
  for (const failure of failures(report)) console.log(`  ${failure}`);
  return { passed, failed };
}

function readReport(name) {
  try {
    return JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'));
  } catch (error) {
    console.log(`${name}: no test report: ${error.message}`);
    return { numPassedTests: 0, numFailedTests: 1, testResults: [] };
  }
}

/** A line for each failed test and file: the output of the test run is too long to find them in it. */
function failures({ testResults }) {
  return testResults.flatMap(({ name: file, status, message, assertionResults }) => {
    const failedTests = assertionResults.filter((result) => result.status === 'failed');
    if (status === 'failed' && failedTests.length === 0) return [`${file}: ${firstLine(message)}`];
    return failedTests.map(
      ({ fullName, failureMessages }) => `${file}: ${fullName}: ${firstLine(failureMessages[0])}`,
    );
  });
}

function firstLine(message) {
  return String(message).split('\n', 1)[0].slice(0, REASON_LENGTH);
}

/** Test files that failed as a whole, without any of their tests. */
function brokenFiles({ testResults }) {
  return testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((result) => result.status === 'failed'),
  ).length;
}
