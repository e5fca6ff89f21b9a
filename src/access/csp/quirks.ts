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
  /** Seconds a poll may be held without the client's asking for it (long poll); 0 = it must be answered at once. */
  readonly pollPatience: number;
}

const DEFAULTS: ClientQuirks = { acknowledges: true, aliasFirst: false, pollPatience: 0 };

interface QuirkRow {
  readonly family: string;
  readonly clientId?: RegExp;
  readonly userAgent?: RegExp;
  readonly quirks: Partial<ClientQuirks>;
}

const ROWS: readonly QuirkRow[] = [
  // COMPAT(Nokia): waits 20 s for the answer to a poll, and sends other requests meanwhile (client-quirks section 1).
  { family: 'Nokia S60', userAgent: /\b(?:S60|Series60)\b/i, quirks: { pollPatience: 15 } },
  // COMPAT(Movistar): the "SMS 2.0" clients and their kin, written for a Colibria server (client-quirks sections 3, 5).
  {
    family: 'Colibria',
    clientId: /colibria|InstantMessenger-1\.0/i,
    quirks: { acknowledges: false, aliasFirst: true },
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
