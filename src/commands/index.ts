// The commands of the command line, by name.

import { adapterCommand } from './adapter.ts';
import { checkConfigCommand } from './check-config.ts';
import type { Command } from './command.ts';
import { decodeCommand } from './decode.ts';
import { demoCommand } from './demo.ts';
import { groupCommand } from './group.ts';
import { peersCommand } from './peers.ts';
import { registrationCommand } from './registration.ts';
import { serveCommand } from './serve.ts';
import { systemMessageCommand } from './system-message.ts';
import { userCommand } from './user.ts';

export { UsageError, type Command } from './command.ts';

export const COMMANDS: Readonly<Record<string, Command>> = {
  serve: serveCommand,
  adapter: adapterCommand,
  demo: demoCommand,
  'check-config': checkConfigCommand,
  user: userCommand,
  group: groupCommand,
  'system-message': systemMessageCommand,
  peers: peersCommand,
  registration: registrationCommand,
  decode: decodeCommand,
};
