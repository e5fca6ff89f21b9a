// Every transcript in every binding; docs/conformance.md is what they went through.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startScene, type Scene } from '../support/phone-scene.ts';
import { conformance, emptyCells } from '../support/transcript/conformance.ts';
import { unexpectedRows, unknownCodes, unseenCodes } from '../support/transcript/expectations.ts';
import { Coverage } from '../support/transcript/coverage.ts';
import { readPlays, type Play } from '../support/transcript/play.ts';
import { BINDINGS, Performance } from '../support/transcript/stage.ts';

const FOLDER = resolve(import.meta.dirname, '../transcripts');
const DOCUMENT = resolve(import.meta.dirname, '../../docs/conformance.md');
const files = readdirSync(FOLDER).filter((file) => file.endsWith('.yaml'));
const repertoire = files.map((file) => [file, readPlays(readFileSync(join(FOLDER, file), 'utf8'))] as const);

/** What all plays are before that have no house of their own. */
const HOUSE = { contacts: { maxLists: 4, maxContacts: 6 }, search: { maxFindings: 2 } };

const coverage = new Coverage();
let scene: Scene;
let planned = 0;
let played = 0;

beforeAll(async () => {
  scene = await startScene({ config: HOUSE });
});
afterAll(() => scene.stop());

/** A house with settings of its own is a new one each time. */
async function inHouse(play: Play, perform: (where: Scene) => Promise<void>): Promise<void> {
  if (play.house === undefined) return perform(scene);
  const own = await startScene({ config: { ...HOUSE, ...play.house } });
  try {
    await perform(own);
  } finally {
    await own.stop();
  }
}

describe.each(repertoire)('%s', (_file, plays) => {
  for (const play of plays) {
    const bindings = BINDINGS.filter(({ version }) => play.versions?.includes(version) ?? true);
    planned += bindings.length;
    it.each(bindings)(`${play.title} ($name)`, async (binding) => {
      await inHouse(play, (where) => new Performance(where, play, { binding, coverage }).run());
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

  it('leaves no transaction empty', () => {
    expect(emptyCells(coverage)).toEqual([]);
  });

  it('has every code that is expected of a transaction, and no other', () => {
    const [unexpected, unseen, unknown] = [unexpectedRows(), unseenCodes(coverage), unknownCodes(coverage)];
    expect({ unexpected, unseen, unknown }).toEqual({ unexpected: [], unseen: [], unknown: [] });
  });
});
