// Lints the Dockerfile and compose.yaml (against the Compose specification's own schema). Says each finding on a
// line of its own; the exit code is 1 when there is one.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DCLinter } from 'dclint';
import { validate } from 'dockerfile-utils';

const root = fileURLToPath(new URL('../../', import.meta.url));

const dockerfile = validate(readFileSync(root + 'Dockerfile', 'utf8'))
  .map(found => `Dockerfile:${found.range.start.line + 1} ${found.message}`);

// Off: rules of taste (order, quotes), and two that this project decides otherwise. The gateway is built here and
// gets a name for it; what belongs on the loopback interface is checked by a test with the port's meaning in view.
const rules = Object.fromEntries(
  ['no-build-and-image', 'require-quotes-in-ports', 'service-keys-order', 'services-alphabetical-order']
    .map(rule => [rule, 0]));
const compose = new DCLinter({ rules, quiet: false, debug: false, exclude: [] })
  .lintFiles([root + 'compose.yaml'], false)
  .flatMap(file => file.messages)
  .map(found => `compose.yaml:${found.line} ${found.message} (${found.rule})`);

const findings = [...dockerfile, ...compose];
findings.forEach(finding => console.log(finding));
process.exitCode = findings.length > 0 ? 1 : 0;
