// Test support: the content service over an in-memory store and a folder of its own, without the rest of the house.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemIds } from '../../src/ops/clock.ts';
import { ContentService, type ContentSettings } from '../../src/services/content/content.ts';
import { NO_SCANNER, type Scanner } from '../../src/services/content/scanner.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import { serviceAddress } from '../../src/wv/address.ts';
import { trusted, type Domain } from '../../src/wv/ids.ts';
import { ManualClock } from './manual-clock.ts';
import { NO_METRICS, SILENT } from './silence.ts';

export async function contentScene(options: { scanner?: Scanner; settings?: Partial<ContentSettings> } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'wvgate-content-'));
  const clock = new ManualClock();
  const store = await openSqliteStore({ file: ':memory:', clock });
  const settings: ContentSettings = {
    folder: join(folder, 'content'),
    publicUrl: 'https://im.example.org',
    area: { maxItem: 1_000_000, quota: 2_000_000, maxItems: 10, types: ['*/*'], knownPictures: true },
    links: { maxDays: 7, perItem: 10 },
    attachments: { inline: 1_000, maxBytes: 5_000_000, quota: 50_000_000 },
    cache: 100_000,
    ...options.settings,
  };
  const content = new ContentService(settings, serviceAddress(trusted<Domain>('wv.test')), {
    store,
    scanner: options.scanner ?? NO_SCANNER,
    clock,
    ids: systemIds,
    log: SILENT,
    metrics: NO_METRICS,
  });
  await content.start();
  return {
    folder: settings.folder,
    clock,
    store,
    content,
    async close() {
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Octets in pieces. */
export async function* pieces(...parts: readonly (string | Uint8Array)[]): AsyncIterable<Uint8Array> {
  for (const part of parts) yield typeof part === 'string' ? Buffer.from(part) : part;
}
