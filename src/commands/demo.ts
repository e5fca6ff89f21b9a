// `wvgate demo`: a conversation between real clients, for whoever wants to see the product work.

import { parseCommandLine, type Command } from './command.ts';

const OPTIONS = {
  once: { type: 'boolean' },
  'no-servers': { type: 'boolean' },
  yes: { type: 'boolean' },
} as const;

export const demoCommand: Command = {
  usage: 'demo [--once] [--no-servers] [--yes]',
  summary: 'play a conversation WV ⇄ XMPP ⇄ Matrix through real servers',
  details: `
  --once         end after the conversation; exit status 0 only if every step was observed
  --no-servers   WV phones only, without an XMPP server and a homeserver
  --yes          do not ask before the servers' Debian packages are installed

Brings up Prosody and Synapse on loopback (npm run stack), starts wvgate with data of its own, and lets ann and
bea (WV phones), romeo (an XMPP client) and dave (a Matrix client) find, watch and write to each other. Each line
of the transcript is something that really arrived at a client. Afterwards wvgate goes on until Ctrl-C, for phones
to log in. Development only: its clients are not part of an installation without development dependencies.
`,
  async run(args) {
    const { values } = parseCommandLine(args, OPTIONS);
    // Loaded only here: the other commands work where neither the stack nor the clients are installed.
    const { runDemo } = await import('../demo/demo.ts');
    const code = await runDemo({
      once: values.once ?? false,
      servers: !(values['no-servers'] ?? false),
      mayInstall: values.yes ?? false,
    });
    // COMPAT(matrix-js-sdk): the time-out of its last sync would keep the process for two minutes.
    process.exit(code);
  },
};
