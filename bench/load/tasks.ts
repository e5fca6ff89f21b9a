// What the programs below bench/load are told, and the names that both sides of the benchmark know.

export const DOMAIN = 'bench.example';
/** Of the second server, where there are two. */
export const PEER_DOMAIN = 'peer.example';
export const PASSWORD = 'bench-secret';
/** What phones log in with. */
export const CLIENT_ID = 'Android-Imps';
/** How long polls are held, where they are. */
export const HELD_SECONDS = 20;
export const userName = (index: number): string => `u${index}`;
export const userAddress = (index: number, domain: string = DOMAIN): string =>
  `wv:${userName(index)}@${domain}`;

/** The group of `u0` that bench/server.ts makes when it is asked to. */
export const GROUP = `wv:${userName(0)}/crowd@${DOMAIN}`;

/** Pairs of users, each with one message under way. */
export interface PairsTask {
  readonly pairs: number;
}

/** WV users u0 … at our server. */
export interface PhonesTask extends PairsTask {
  readonly port: number;
  /** Put a DateTime into messages, as some phones do: the server then looks for repeats. */
  readonly dated?: boolean;
}

/** One of our servers, as a load finds it. */
export interface ServerPlace {
  readonly port: number;
  readonly domain: string;
}

/** u0 … at `from` write to as many after them at `to`, who hold polls. */
export interface PolledTask extends PairsTask {
  readonly from: ServerPlace;
  readonly to: ServerPlace;
  /** Messages of each sender under way at once. */
  readonly ahead: number;
}

export interface XmppAccount {
  readonly name: string;
  readonly password: string;
}

export interface XmppTask extends PairsTask {
  readonly host: string;
  readonly port: number;
  readonly domain: string;
  readonly accounts: readonly XmppAccount[];
  /** BOSH instead of TCP. */
  readonly boshUrl?: string;
}

/** Messages through the gateway: WV users on one side, XMPP accounts on the other. */
export interface GatewayTask {
  readonly phones: PhonesTask;
  readonly xmpp: XmppTask;
  /** Below which WV users appear. */
  readonly component: string;
  /** Messages of each XMPP user under way at once. */
  readonly ahead: number;
}

/** One XMPP user who speaks in a room, and everybody else in it. */
export interface RoomTask {
  readonly xmpp: XmppTask;
  /** JID of the room. */
  readonly room: string;
  /** The service is the XMPP server's: the room has to be made. */
  readonly isMade: boolean;
  readonly members: number;
  /** The members are WV users with phones, and this is the room to them; else XMPP clients. */
  readonly phones?: { readonly port: number; readonly group: string };
}
