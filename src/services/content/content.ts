// The shared content service: storage areas, links, and the attachments of messages, put together.

import { join } from 'node:path';
import type { Clock, IdSource, Log, Metrics } from '../../ops/ports.ts';
import type { ServiceAddress } from '../../wv/ids.ts';
import type { Store } from '../../store/store.ts';
import { Attachments } from './attachments.ts';
import { ContentFiles } from './files.ts';
import { ContentLinks } from './links.ts';
import { Renditions } from './renditions.ts';
import type { Scanner } from './scanner.ts';
import { ContentStorage, type AreaRules } from './storage.ts';

export interface ContentSettings {
  /** Absolute. */
  readonly folder: string;
  readonly publicUrl: string | undefined;
  readonly area: AreaRules;
  readonly links: { readonly maxDays: number; readonly perItem: number };
  readonly attachments: { readonly inline: number; readonly maxBytes: number; readonly quota: number };
  /** Octets of renditions kept for reuse. */
  readonly cache: number;
}

export interface ContentPorts {
  readonly store: Store;
  readonly scanner: Scanner;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly log: Log;
  readonly metrics: Metrics;
}

export class ContentService {
  readonly storage: ContentStorage;
  readonly files: ContentFiles;
  readonly links: ContentLinks;
  readonly attachments: Attachments;
  /** What users' and groups' areas take. */
  readonly area: AreaRules;
  private readonly renditions: Renditions;

  constructor(settings: ContentSettings, owner: ServiceAddress, ports: ContentPorts) {
    const { folder, publicUrl, area, cache } = settings;
    this.area = area;
    this.files = new ContentFiles(folder);
    this.storage = new ContentStorage({ ...ports, files: this.files });
    this.links = new ContentLinks({ ...ports, publicUrl, limits: settings.links });
    this.renditions = new Renditions({ ...ports, folder: join(folder, 'renditions'), maxBytes: cache });
    this.attachments = new Attachments({
      ...ports,
      storage: this.storage,
      files: this.files,
      renditions: this.renditions,
      links: this.links,
      owner,
      limits: settings.attachments,
    });
  }

  /** Puts the folder in order after whatever ended the last run. */
  async start(): Promise<void> {
    await this.storage.start();
    await this.renditions.start();
  }
}
