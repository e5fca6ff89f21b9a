// The content service of a configuration.

import type { Config } from './config.ts';
import { contentFolder } from './data-folder.ts';
import { ContentService, type ContentPorts } from './services/content/content.ts';
import { commandScanner, NO_SCANNER, type Scanner } from './services/content/scanner.ts';
import type { ServiceAddress } from './wv/ids.ts';

/** undefined when it is switched off. */
export function contentService(
  config: Config,
  service: ServiceAddress,
  ports: Omit<ContentPorts, 'scanner'>,
): ContentService | undefined {
  const { content, messages } = config;
  if (!content.enabled) return undefined;
  const settings = {
    folder: contentFolder(config),
    publicUrl: content.publicUrl?.replace(/\/+$/, ''),
    area: {
      maxItem: content.maxItem,
      quota: content.quota,
      maxItems: content.maxItems,
      types: content.types,
      knownPictures: true,
    },
    links: { maxDays: content.linkDays, perItem: content.maxLinks },
    attachments: { inline: messages.maxContent, maxBytes: content.maxMessage, quota: content.messageQuota },
    cache: content.cache,
  };
  return new ContentService(settings, service, { ...ports, scanner: scannerOf(config) });
}

function scannerOf({ content: { scanner } }: Config): Scanner {
  return scanner === undefined ? NO_SCANNER : commandScanner(scanner.command, scanner.timeoutSeconds * 1000);
}
