"""A person at an XMPP client that is not ours (slixmpp): commands as JSON lines in, what happens as JSON lines out.

Usage: slixmpp-client.py HOST PORT JID PASSWORD. Commands: {"do": "add", "jid"}, {"do": "say", "to", "body"},
{"do": "look", "at"}, {"do": "show", "show", "status"}, {"do": "quit"}.
"""

import asyncio
import json
import sys

import slixmpp


class Client(slixmpp.ClientXMPP):
    def __init__(self, jid, password):
        super().__init__(jid, password, plugin_config={"feature_mechanisms": {"unencrypted_scram": True}})
        for plugin in ("xep_0030", "xep_0054", "xep_0115", "xep_0172", "xep_0199"):
            self.register_plugin(plugin)
        self.register_plugin("xep_0184", {"auto_ack": True, "auto_request": True})
        self.add_event_handler("session_start", self.started)
        self.add_event_handler("message", self.heard)
        self.add_event_handler("message_error", self.refused)
        self.add_event_handler("receipt_received", self.receipt)
        for kind in ("unavailable", "subscribe", "subscribed", "unsubscribed"):
            self.add_event_handler("presence_" + kind, lambda stanza, kind=kind: self.seen(kind, stanza))
        # slixmpp names available presence after what it shows.
        for show in ("available", "chat", "away", "dnd", "xa"):
            self.add_event_handler("presence_" + show, lambda stanza: self.seen("available", stanza))
        for kind in ("failed_auth", "disconnected", "connection_failed"):
            self.add_event_handler(kind, lambda _, kind=kind: tell(event=kind))

    async def started(self, _):
        await self.get_roster()
        self.send_presence()
        tell(event="started")

    def heard(self, message):
        if message["type"] in ("chat", "normal") and message["body"]:
            tell(event="message", **{"from": message["from"].bare}, body=message["body"], id=message["id"])

    def refused(self, message):
        tell(event="error", id=message["id"], condition=message["error"]["condition"])

    def receipt(self, message):
        tell(event="receipt", **{"from": message["from"].bare}, id=message["receipt"])

    def seen(self, kind, stanza):
        known = {} if kind != "available" else {"show": stanza["show"], "status": stanza["status"]}
        tell(event=kind, **{"from": stanza["from"].bare}, **known)

    async def look(self, jid):
        found = await self["xep_0030"].get_info(jid=jid)
        card = await self["xep_0054"].get_vcard(jid=slixmpp.JID(jid).bare)
        identities = sorted("/".join(part or "" for part in each[:2]) for each in found["disco_info"]["identities"])
        features = sorted(found["disco_info"]["features"])
        tell(event="looked", at=jid, identities=identities, features=features, name=card["vcard_temp"]["FN"])

    def do(self, command):
        match command["do"]:
            case "add":
                self.send_presence_subscription(pto=command["jid"])
            case "say":
                message = self.make_message(mto=command["to"], mbody=command["body"], mtype="chat")
                message.send()
                tell(event="said", id=message["id"], body=command["body"])
            case "look":
                asyncio.ensure_future(self.look(command["at"]))
            case "show":
                self.send_presence(pshow=command["show"], pstatus=command["status"])
            case "quit":
                self.disconnect()


def tell(**what):
    print(json.dumps(what), flush=True)


def main():
    host, port, jid, password = sys.argv[1:]
    client = Client(jid, password)
    # The test stack is on loopback and has no TLS.
    client.connect((host, int(port)), use_ssl=False, force_starttls=False, disable_starttls=True)

    def read():
        line = sys.stdin.readline()
        if line == "":
            client.loop.remove_reader(sys.stdin)
            client.disconnect()
        else:
            client.do(json.loads(line))

    client.loop.add_reader(sys.stdin, read)
    client.process(forever=False)


main()
