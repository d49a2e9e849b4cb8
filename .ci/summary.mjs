// Prints `N passed, N failed` of a CI run and exits with 0 only if nothing failed. Arguments: what the checks printed,
// vitest's JSON report, and the exit code of the test run. A check counts like a test.
import { readFileSync } from 'node:fs';

const [checksFile, reportFile, testExitCode] = process.argv.slice(2);

const checks = [...readFileSync(checksFile, 'utf8').matchAll(/^(format|lint|types): (passed|failed)$/gm)];
const checksPassed = checks.filter(([, , outcome]) => outcome === 'passed').length;
const report = readReport();
const passed = checksPassed + report.numPassedTests;
let failed = 3 - checksPassed + report.numFailedTests + brokenFiles();
// Something that is no test went wrong: an unhandled error, or the run did not get to its end.
if (testExitCode !== '0' && failed === 0) failed = 1;

console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 3 ? 0 : 1;

function readReport() {
  try {
    return JSON.parse(readFileSync(reportFile, 'utf8'));
  } catch (error) {
    console.log(`no test report: ${error.message}`);
    return { numPassedTests: 0, numFailedTests: 1, testResults: [] };
  }
}

/** Test files that failed as a whole, without any of their tests. */
function brokenFiles() {
  return report.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((result) => result.status === 'failed'),
  ).length;
}
