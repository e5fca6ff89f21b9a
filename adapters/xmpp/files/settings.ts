// Configuration of files, with its defaults. Sizes in octets.

/** From whom files are fetched without asking. `contacts`: a subscription, or our user wrote to him before. */
export type FetchFrom = 'contacts' | 'everybody' | 'nobody';

export interface FileConfig {
  /** Largest file fetched, and sent. */
  readonly maxBytes?: number;
  readonly fetchFrom?: FetchFrom;
  /** `http:` links and slots too. */
  readonly insecure?: boolean;
  /** Addresses, networks and host names that may be reached although they are not public. */
  readonly allow?: readonly string[];
  /** JID of the upload service; default: looked for among the items of the server. */
  readonly uploadService?: string;
  /** Links of one contact fetched in a minute; more arrive as text. */
  readonly perMinute?: number;
}

export type FileSettings = Required<Omit<FileConfig, 'uploadService'>> & {
  readonly uploadService: string | undefined;
};

/** Fills in the defaults. */
export function fileSettingsOf(config: FileConfig = {}): FileSettings {
  return {
    maxBytes: 5_242_880,
    fetchFrom: 'contacts',
    insecure: false,
    allow: [],
    uploadService: undefined,
    perMinute: 20,
    ...config,
  };
}
