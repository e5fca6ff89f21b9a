#!/usr/bin/env node
// The `wvgate` command: the command line program on the project's own Node.

import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
process.argv.splice(2, 0, 'src/main.ts');
await import(resolve(root, 'scripts/run.mjs'));
