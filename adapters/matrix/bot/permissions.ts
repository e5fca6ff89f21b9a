// Who of Matrix may give the bot commands.

import { MatrixConfigError } from '../registration.ts';

export interface BotConfig {
  /**
   * Users (`@dave:hs.example`), rooms (`!room:hs.example`), servers (`hs.example`), or `*` for everybody. Default: the
   * users of the gateway's own homeserver.
   */
  readonly allow?: readonly string[];
  /** Commands of one user in a minute. Default 20. */
  readonly commandsPerMinute?: number;
}

export interface BotSettings {
  readonly allow: readonly string[];
  readonly commandsPerMinute: number;
}

const COMMANDS_PER_MINUTE = 20;
const ENTRY = /^(?:\*|@[^\s:]+:\S+|!\S+|[a-z0-9.:[\]-]+)$/;

/** @throws MatrixConfigError for an entry that can match nobody */
export function botSettingsOf(config: BotConfig | undefined, serverName: string): BotSettings {
  const { allow = [serverName], commandsPerMinute = COMMANDS_PER_MINUTE } = config ?? {};
  const wrong = allow.find((entry) => !ENTRY.test(entry));
  if (wrong !== undefined)
    throw new MatrixConfigError(`matrix.bot.allow: ${wrong}: not a user, room, server or *`);
  return { allow, commandsPerMinute };
}

/** Whether somebody may give commands in a room. */
export function mayCommand({ allow }: BotSettings, user: string, room: string): boolean {
  const server = user.slice(user.indexOf(':') + 1);
  return allow.some((entry) => entry === '*' || entry === user || entry === room || entry === server);
}
