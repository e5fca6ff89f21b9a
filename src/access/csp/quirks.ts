// Differences between clients as data (design section 3): one row a family, matched by ClientID or User-Agent.
// Handlers ask the row, never the name.

export interface ClientQuirks {
  /**
   * False = never confirms anything: what was handed out counts as delivered when the client asks for more.
   * Without that, every log-in would bring all old messages again.
   */
  readonly acknowledges: boolean;
  /** Takes the first PresenceValue of a GetPresence answer for the Alias: so Alias comes first, against the DTD. */
  readonly aliasFirst: boolean;
  /** Reads a UserMapList as a flat list of entries with SName inside, and looks for it where 1.2 has it, also in 1.3. */
  readonly flatUserMap: boolean;
}

const DEFAULTS: ClientQuirks = { acknowledges: true, aliasFirst: false, flatUserMap: false };

interface QuirkRow {
  readonly family: string;
  readonly clientId?: RegExp;
  readonly userAgent?: RegExp;
  readonly quirks: Partial<ClientQuirks>;
}

const ROWS: readonly QuirkRow[] = [
  // COMPAT(Movistar): the "SMS 2.0" clients and their kin, written for a Colibria server (client-quirks sections 3, 5).
  {
    family: 'Colibria',
    clientId: /colibria|InstantMessenger-1\.0/i,
    quirks: { acknowledges: false, aliasFirst: true },
  },
  // COMPAT(Android): the open source IM application of 2007 to 2010 (client-quirks section 6).
  {
    family: 'Android',
    clientId: /android-?im/i,
    userAgent: /android-imps/i,
    quirks: { flatUserMap: true },
  },
];

/** The quirks of a client; later rows win. */
export function quirksOf(clientId: string, userAgent: string | undefined): ClientQuirks {
  let quirks = DEFAULTS;
  for (const row of ROWS) {
    const matches = row.clientId?.test(clientId) === true || row.userAgent?.test(userAgent ?? '') === true;
    if (matches) quirks = { ...quirks, ...row.quirks };
  }
  return quirks;
}
