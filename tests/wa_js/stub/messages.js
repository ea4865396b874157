// Messages: sent, received, quoted, acknowledged, reacted to, edited, revoked, and looked up again.

import { ME, myPn } from "./connection.js";
import { ChatStore, openChat } from "./contacts.js";
import { MsgKey, createWid } from "./ids.js";
import { define, live } from "./loader.js";
import { Collection, Model } from "./models.js";

const STORAGE = "stub-messages"; // in the tab's session storage: [[serialized key, plain fields], …]
const PLAIN = ["type", "body", "caption", "t", "ack", "mimetype", "filename", "notifyName", "quotedStanzaID"];
const UNREAD = "stub-unread"; // there, too: {chat: how many}

class Msg extends Model {
	/** What a message that quotes this one carries. */
	msgContextInfo() {
		const quotedParticipant = this.author ?? this.from;
		return { quotedMsg: this.attributes, quotedStanzaID: this.id.id, quotedParticipant };
	}

	async downloadMedia() {
		await this.download?.();
	}
}
Msg.prototype.proxyName = "msg";

class MsgCollectionImpl extends Collection {
	/** The way of everything that comes in. wa-js puts itself in front of it. */
	async processMultipleMessages(chatId, messages) {
		for (const fields of messages) {
			if (fields.type === "protocol") revoke(fields.protocolMessageKey);
			else arrive(openChat(chatId), new Msg(fields));
		}
	}
}

export const MsgStore = new MsgCollectionImpl();

// -- storage: what a reload of the tab does not take away --

const stored = new Map(JSON.parse(sessionStorage.getItem(STORAGE) ?? "[]"));

function store(msg) {
	const fields = Object.fromEntries(PLAIN.map((name) => [name, msg[name]]));
	stored.set(String(msg.id), { ...fields, from: msg.from?.toString(), to: msg.to?.toString() });
	sessionStorage.setItem(STORAGE, JSON.stringify([...stored]));
}

/** The chats that there are messages of; the messages stay in storage until asked for. */
export function restore() {
	for (const id of stored.keys()) {
		const key = MsgKey.fromString(id);
		openChat(key.remote).lastReceivedKey = key;
	}
	const unread = JSON.parse(sessionStorage.getItem(UNREAD) ?? "{}");
	for (const [id, count] of Object.entries(unread)) openChat(createWid(id)).unreadCount = count;
	ChatStore.on("change:unreadCount", () => {
		const counts = ChatStore.map(({ id, unreadCount }) => [String(id), unreadCount]);
		sessionStorage.setItem(UNREAD, JSON.stringify(Object.fromEntries(counts)));
	});
}

/** As after a reload: nothing in memory, all in storage. */
export function forget() {
	MsgStore.clear();
	ChatStore.forEach((chat) => chat.msgs.clear());
}

function recall(id) {
	const fields = stored.get(String(id));
	if (!fields) return undefined;
	const [from, to] = [fields.from, fields.to].map((wid) => wid && createWid(wid));
	const key = MsgKey.fromString(String(id));
	return MsgStore.get(id) ?? keep(new Msg({ ...fields, id: key, from, to, author: key.participant }));
}

function keep(msg) {
	openChat(msg.id.remote).msgs.add(msg);
	return MsgStore.add(msg);
}

function remember(chat, msg) {
	chat.lastReceivedKey = msg.id;
	store(msg);
	return keep(msg);
}

class ChatMsgsCollection extends Collection {}

/** One parameter, by which wa-js knows the newer form. */
function getSearchContext({ msgKey }) {
	const collection = new ChatMsgsCollection();
	collection.loadAroundPromise = Promise.resolve().then(() => {
		const msg = recall(msgKey);
		if (msg) collection.add(msg);
	});
	return { collection, key: msgKey, highlightMsg: true };
}

/** Messages of the anchor's chat beside the anchor, oldest first. */
async function msgFindByDirection({ anchor, count, direction }) {
	const all = [...stored.keys()].filter((id) => MsgKey.fromString(id).remote.equals(anchor.remote));
	const at = all.indexOf(String(anchor));
	const [from, to] = direction === "after" ? [at + 1, at + 1 + count] : [Math.max(0, at - count), at];
	return { messages: all.slice(from, to).map((id) => recall(id).attributes) };
}

// -- sending --

let answer = "OK"; // what the servers say to the next message; null: nothing until told
const waiting = [];

/** {msg, outcome}: the message is in the chat at once, the outcome follows. */
export function queue(chat, fields) {
	const msg = remember(chat, new Msg({ ack: 0, ...fields }));
	const outcome = new Promise((resolve) => waiting.push({ msg, resolve }));
	setTimeout(settle);
	return { msg, outcome };
}

function settle() {
	if (answer === null) return;
	for (const { msg, resolve } of waiting.splice(0)) {
		msg.ack = answer === "OK" ? 1 : -1;
		store(msg);
		resolve({ messageSendResult: answer, t: msg.t, count: null });
	}
}

/** "OK", "ERROR_NETWORK", …; null keeps every send waiting until the next answer. */
export function answerSends(result) {
	answer = result;
	settle();
}

async function addAndSendMsgToChat(chat, fields) {
	const { msg, outcome } = queue(chat, fields);
	return [Promise.resolve(msg), outcome];
}

/** Our messages since the page loaded, as plain fields, oldest first. */
export function sent() {
	return MsgStore.getModelsArray().filter((msg) => msg.id.fromMe && msg.local).map(plain);
}

function plain(msg) {
	const { mediaData, quotedMsg, ...fields } = msg.attributes;
	return JSON.parse(JSON.stringify({ ...fields, id: String(msg.id) }));
}

// -- receiving --

function arrive(chat, msg) {
	if (msg.id.fromMe) return remember(chat, msg);
	chat.unreadCount += 1;
	return remember(chat, msg);
}

/** Through WhatsApp's front door: handleSingleMsg, then processMultipleMessages. */
export async function takeIn(chatId, fields) {
	await live("WAWebHandleSingleMsg").handleSingleMsg(chatId, fields);
}

function revoke(key) {
	const msg = recall(key);
	if (msg) Object.assign(msg, { type: "revoked", body: undefined });
}

/** Found by id alone: the tests know messages by the id in their key. */
export function byId(id) {
	const key = [...stored.keys()].find((text) => MsgKey.fromString(text).id === id);
	if (!key) throw new Error(`the stand-in has no message ${id}`);
	return recall(key);
}

export async function react(key, emoji, sender) {
	const id = new MsgKey({ fromMe: String(sender) === ME.pn, remote: key.remote, id: await MsgKey.newId() });
	const reaction = {
		msgKey: String(id),
		parentMsgKey: String(key),
		senderUserJid: String(sender),
		reactionText: emoji,
		read: false,
		orphan: 0,
		t: Date.now(),
	};
	await live("WAWebReactionsBEUtils").addOrUpdateReactionsModelCollection(reaction, true);
}

async function sendReactionToMsg(msg, emoji) {
	await react(msg.id, emoji, myPn());
	return "OK";
}

/** A receipt from the other side; wa-js listens in front of these. */
function takeReceipt({ externalIds, ack }) {
	for (const id of externalIds) {
		const msg = byId(id);
		msg.ack = ack;
		store(msg);
	}
}

function getQuotedMsgObj({ quotedStanzaID }) {
	return MsgStore.findFirst(({ id }) => id.id === quotedStanzaID);
}

const NO_RECEIPTS = { delivery: [], read: [], played: [], deliveryRemaining: 0, readRemaining: 0, playedRemaining: 0 };

define("WAWebMsgModel", { Msg });
define("WAWebMsgCollection", { MsgCollection: MsgStore, MsgCollectionImpl });
define("WAWebMsgInfoCollection", { MsgInfoCollection: { find: async () => NO_RECEIPTS } });
define("WAWebChatMsgsCollection", { ChatMsgsCollection });
define("WAWebChatMessageSearch", { getSearchContext });
define("WAWebDBMessageFindLocal", { msgFindByDirection, msgFindBefore() {}, msgFindAfter() {} });
define("WAWebSendMsgChatAction", { addAndSendMsgToChat });
define("WAWebHandleSingleMsg", {
	handleSingleMsg: (chatId, fields) => MsgStore.processMultipleMessages(chatId, [fields]),
});
define("WAWebHandleChatSimpleReceipt", { handleChatSimpleReceipt: takeReceipt });
define("WAWebHandleGroupSimpleReceipt", { handleGroupSimpleReceipt: takeReceipt });
define("WAWebReactionsBEUtils", { addOrUpdateReactionsModelCollection: async () => {} });
define("WAWebSendReactionMsgAction", { sendReactionToMsg });
define("WAWebMsgReply", { canReplyMsg: (msg) => msg.type !== "revoked" });
define("WAWebQuotedMsgModelUtils", { getQuotedMsgObj });
define("WAWebGetEphemeralFieldsMsgActionsUtils", { getEphemeralFields: () => ({}) });
define("WAWebAck", {
	ACK: { FAILED: -1, CLOCK: 0, SENT: 1, RECEIVED: 2, READ: 3, PLAYED: 4 },
	ACK_STRING: { SENDER: "sender", DELIVERY: "delivery", READ: "read", PLAYED: "played" },
	EDIT_ATTR: { SENDER_REVOKE: 7, ADMIN_REVOKE: 8 },
});
define("WATimeUtils", { unixTime: () => Math.floor(Date.now() / 1000), unixTimeMs: () => Date.now() });
