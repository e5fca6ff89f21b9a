// The demo as a user runs it: it ends with 0 only when everything was really observed, so its exit status is the test.

import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { readStack } from '../../scripts/stack/description.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const FLAGS = ['--disable-warning=ExperimentalWarning', '--disable-warning=DEP0040'];
const isRequired = process.env['WVGATE_REQUIRE_LIVE'] === '1';

const stack = readStack();
const isComplete = stack?.prosody !== undefined && stack.synapse !== undefined;

/** Runs the demo to its end. */
function demo(...options: string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [...FLAGS, 'src/main.ts', 'demo', '--once', ...options], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text: string) => void (output += text));
    }
    child.on('close', (code) => done({ code, output }));
  });
}

it('shows two phones without any other server', async () => {
  const { code, output } = await demo('--no-servers');
  expect(output).toContain('ann   → bea    “Where are you?”');
  expect(output).toContain('7 of 7 steps observed.');
  expect(code, output).toBe(0);
});

it.skipIf(!isComplete && !isRequired)('plays a conversation between phones, XMPP and Matrix', async () => {
  const { code, output } = await demo();
  for (const line of [
    'romeo → ann    dnd, “climbing the wall”: ann sees DISCREET and the text',
    'ann   → romeo  DISCREET, “on the balcony”: romeo sees dnd and the text',
    'ann   → romeo  “Who’s there? <3 & 🌹”',
    'romeo → ann    his receipt: ann gets a delivery report',
    'romeo → ann    “It is I, your neighbour.”',
    'ann   → dave   “Lunch at one? ☕”',
    'dave  → ann    “Half past, at the café.”',
    '24 of 24 steps observed.',
  ]) {
    expect(output).toContain(line);
  }
  expect(output.split('\n').length).toBeLessThan(60);
  expect(code, output).toBe(0);
});
