import { CONFIG_OPTION, loadConfig, parseCommandLine, type Command } from './command.ts';

export const checkConfigCommand: Command = {
  usage: 'check-config [--config FILE]',
  summary: 'check the configuration and say what it would start',
  async run(args, projectRoot) {
    const { values } = parseCommandLine(args, CONFIG_OPTION);
    const { config, file } = loadConfig(values.config, projectRoot);
    const { csp, cir, ops } = config.listen;
    const lines = [
      `${file}: good`,
      `  domain      ${config.domain}`,
      `  data        ${config.data}`,
      `  CSP         ${csp.tls === undefined ? 'http' : 'https'}://${csp.host}:${csp.port}${csp.path}`,
      `  CIR         ${[cir.tcp && `TCP ${cir.tcp.host}:${cir.tcp.port}`, cir.udp && 'UDP'].filter(Boolean).join(', ') || 'off'}`,
      `  operators   http://${ops.host}:${ops.port}/healthz`,
      `  XMPP        ${config.xmpp === undefined ? 'off' : `${config.xmpp.component} at ${config.xmpp.host}:${config.xmpp.port}`}`,
      `  Matrix      ${config.matrix === undefined ? 'off' : `${config.matrix.serverName} at ${config.matrix.homeserverUrl}`}`,
    ];
    process.stdout.write(`${lines.join('\n')}\n`);
    return 0;
  },
};
