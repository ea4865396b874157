// window.stub: what the phone, WhatsApp's servers and the other people do.

import {
	BackendEventBus,
	LinkDeviceEvents,
	ME,
	NetworkStatus,
	Stream,
	endLink,
	myPn,
	scan,
	showCode,
	stopCodes,
	told,
} from "./connection.js";
import { addPerson, migrateToLid } from "./contacts.js";
import { MsgKey, createWid } from "./ids.js";
import { live } from "./loader.js";
import { receiveMedia } from "./media.js";
import { answerSends, byId, forget, react, sent, takeIn } from "./messages.js";

const RECEIPTS = { 2: "delivery", 3: "read", 4: "played" };

/** The fields that every message has, from {chat, id, fromMe, sender}. */
async function frame({ chat, id, fromMe = false, sender }) {
	const remote = createWid(chat);
	const author = sender && createWid(sender);
	const participant = remote.isGroup() ? (fromMe ? createWid(ME.lid) : author) : undefined;
	const key = new MsgKey({ fromMe, remote, id: id ?? (await MsgKey.newId()), participant });
	const ends = fromMe ? { from: myPn(), to: remote } : { from: remote, to: myPn() };
	return { id: key, ...ends, author, isNewMsg: true, t: Math.floor(Date.now() / 1000), ack: fromMe ? 1 : 0 };
}

/**
 * A message comes in; answers its serialized key.
 * fields: {chat, id?, fromMe?, sender? (in groups), quote? (an id), media?: {base64, mimetype, filename?, gone?}}
 * and any field of WhatsApp's messages: type, body, caption, notifyName, lat, lng, vcardList, isForwarded, …
 */
async function receive({ chat, id, fromMe, sender, media, quote, ...fields }) {
	const file = media ? await receiveMedia(media) : { fields: {} };
	const quoted = quote && { quotedStanzaID: quote, quotedParticipant: byId(quote).from };
	const whole = await frame({ chat, id, fromMe, sender });
	const content = { type: "chat", ...fields, ...file.fields, ...quoted, download: file.download };
	await takeIn(whole.id.remote, { ...whole, ...content });
	return String(whole.id);
}

/** 1: the server has it; 2, 3, 4: receipts of the other side (of `sender` in a group); below 0: it failed. */
function ack(id, level, sender) {
	const msg = byId(id);
	if (level < 2) {
		msg.ack = level;
		return;
	}
	const receipt = {
		externalIds: [id],
		from: msg.id.remote,
		participant: sender ? createWid(sender) : null,
		recipient: null,
		ts: Math.floor(Date.now() / 1000),
		ack: level,
		ackString: RECEIPTS[level],
	};
	if (msg.id.remote.isGroup()) live("WAWebHandleGroupSimpleReceipt").handleGroupSimpleReceipt(receipt);
	else live("WAWebHandleChatSimpleReceipt").handleChatSimpleReceipt(receipt);
}

function edit(id, body) {
	const msg = byId(id);
	msg.set({ latestEditMsgKey: undefined });
	msg.body = body;
	msg.latestEditMsgKey = new MsgKey({ fromMe: msg.id.fromMe, remote: msg.id.remote, id: `${id}-EDIT` });
}

/** type: "sender_revoke", or "admin_revoke" in a group. */
async function revoke(id, type = "sender_revoke") {
	const { remote, fromMe, participant } = byId(id).id;
	const whole = await frame({ chat: String(remote), fromMe, sender: participant && String(participant) });
	await takeIn(remote, { ...whole, type: "protocol", subtype: type, protocolMessageKey: byId(id).id });
}

export const controls = {
	me: ME,
	// the link
	showCode,
	stopCodes,
	scan,
	endLink,
	setStream: (mode, info = Stream.info) => Object.assign(Stream, { mode, info }),
	setOnline: (online) => Object.assign(NetworkStatus, { online }),
	askForUpdate: () => Object.assign(Stream, { needsUpdate: true }),
	tellBackendEvent: (name, ...values) => BackendEventBus.trigger(name, ...values),
	tellLinkDeviceEvent: (name) => LinkDeviceEvents.trigger(`link_device_events:${name}`),
	// people
	addPerson,
	migrateToLid,
	// messages
	receive,
	ack,
	edit,
	revoke,
	react: (id, emoji, sender) => react(byId(id).id, emoji, createWid(sender)),
	answerSends,
	forget,
	// what came out of the page
	sent,
	told: () => [...told],
};
