// Every transcript in every binding; docs/conformance.md is what they went through.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startScene, type Scene } from '../support/phone-scene.ts';
import { conformance, emptyCells } from '../support/transcript/conformance.ts';
import { Coverage } from '../support/transcript/coverage.ts';
import { readPlays } from '../support/transcript/play.ts';
import { BINDINGS, Performance } from '../support/transcript/stage.ts';

const FOLDER = resolve(import.meta.dirname, '../transcripts');
const DOCUMENT = resolve(import.meta.dirname, '../../docs/conformance.md');
const files = readdirSync(FOLDER).filter((file) => file.endsWith('.yaml'));
const repertoire = files.map((file) => [file, readPlays(readFileSync(join(FOLDER, file), 'utf8'))] as const);

const coverage = new Coverage();
let scene: Scene;
let planned = 0;
let played = 0;

beforeAll(async () => {
  scene = await startScene({
    config: { contacts: { maxLists: 4, maxContacts: 6 }, search: { maxFindings: 2 } },
  });
});
afterAll(() => scene.stop());

describe.each(repertoire)('%s', (_file, plays) => {
  for (const play of plays) {
    const bindings = BINDINGS.filter(({ version }) => play.versions?.includes(version) ?? true);
    planned += bindings.length;
    it.each(bindings)(`${play.title} ($name)`, async (binding) => {
      await new Performance(scene, play, { binding, coverage }).run();
      played += 1;
    });
  }
});

describe('docs/conformance.md', () => {
  it('tells what the transcripts went through', async () => {
    if (played < planned) return expect(played, 'plays that failed or were left out').toBe(planned);
    const plays = repertoire.flatMap(([, each]) => each).length;
    const config = await resolveConfig(DOCUMENT);
    const text = await format(conformance(coverage, plays), { ...config, parser: 'markdown' });
    if (process.env['WVGATE_UPDATE'] === '1') writeFileSync(DOCUMENT, text);
    expect(readFileSync(DOCUMENT, 'utf8')).toBe(text);
    return undefined;
  });

  it('leaves no transaction of 1.1 and 1.2 empty', () => {
    expect(emptyCells(coverage)).toEqual([]);
  });
});
