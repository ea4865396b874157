/* What wa-js's functions of chats and messages do here. */

import { WPPError } from "./errors.js";
import { app } from "./page.js";
import { MsgKey, Wid, createWid, newMessageId } from "./wids.js";

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export function assertWid(id) {
	const wid = createWid(id);
	if (!wid) throw new WPPError("invalid_wid", `Invalid WID value for ${id}`, { id });
	return wid;
}

function assertGetChat(id) {
	const found = app.store.chatOf(assertWid(id));
	if (!found) throw new WPPError("chat_not_found", `Chat not found for ${id}`, { id });
	return found;
}

/* What is asked over a connection that is dead is never answered. */
export const answered = async (asking) => {
	const answer = await asking;
	return answer?.hang ? new Promise(() => {}) : answer;
};

export async function find(id) {
	const wid = assertWid(id);
	const known = app.store.chatOf(wid);
	if (known) return known;
	const raw = await answered(app.call("chat", { jid: wid.toString() }));
	if (!raw) throw new Error(`Failed to find or create chat for ${wid}`);
	if (raw.lid) app.store.know({ lid: raw.lid, pn: raw.pn, name: raw.name });
	return app.store.addChat(raw);
}

async function getOne(id) {
	const { call, store } = app;
	const key = MsgKey.fromString(id.toString());
	const home = assertGetChat(key.remote);
	const known = home.msgs.get(key.id);
	if (known) return known;
	const raw = await call("find", { id: key.id });
	if (raw?.chat === home.key) return store.addMessage(raw).message;
	throw new WPPError("msg_not_found", `Message ${key} not found`, { id: key.toString() });
}

export const getMessageById = async (ids) => (Array.isArray(ids) ? Promise.all(ids.map(getOne)) : getOne(ids));

export async function generateMessageID(target) {
	const remote = target?.msgs ? target.id : assertWid(target);
	const participant = remote.isGroup() ? new Wid(app.me.lid) : undefined;
	return new MsgKey({ fromMe: true, remote, id: newMessageId(), participant });
}

export const canReplyTo = (message) => !["revoked", "ciphertext"].includes(message.type);

async function getMessageACK(id) {
	const { ack, id: key, t } = await getMessageById(id);
	const remaining = (level) => (key.fromMe && ack < level ? 1 : 0);
	const times = { deliveredAt: ack > 1 ? t : undefined, readAt: ack > 2 ? t : undefined, playedAt: ack > 3 ? t : undefined };
	return {
		ack,
		fromMe: key.fromMe,
		deliveryRemaining: remaining(2),
		readRemaining: remaining(3),
		playedRemaining: remaining(4),
		participants: ack > 1 ? [{ id: key.remote.toString(), wid: key.remote, ...times }] : [],
	};
}

/* The last messages up to the last one of the chat; of the unread ones as many as are unread, whoever wrote them. */
async function getMessages(id, { count = 20, direction, id: anchor, onlyUnread } = {}) {
	const home = assertGetChat(id);
	const { messages } = home;
	if (onlyUnread) {
		const amount = count < 0 ? home.unreadCount : Math.min(count, home.unreadCount);
		return messages.slice(messages.length - amount).map((message) => Object.assign(message, { isNewMsg: true }));
	}
	const amount = count < 0 ? Infinity : count;
	const at = anchor ? messages.findIndex((message) => message.id.toString() === String(anchor)) : messages.length;
	return direction === "after" ? messages.slice(at + 1, at + 1 + amount) : messages.slice(Math.max(at - amount, 0), at);
}

async function list({ count = Infinity, onlyGroups, onlyUsers, onlyWithUnreadMessage } = {}) {
	return [...app.store.chats.values()]
		.filter((item) => (!onlyUsers || item.isUser) && (!onlyGroups || item.isGroup))
		.filter((item) => !onlyWithUnreadMessage || item.hasUnread)
		.slice(0, count);
}

async function downloadMedia(id) {
	const message = await getMessageById(id);
	if (!message.mediaData) throw new WPPError("message_not_contains_media", `Message ${id} not contains media`, { id });
	const response = message.file ? await fetch(`/web/file/${message.file}`) : null;
	// as it is: no Error
	if (!response?.ok) throw { error: true, code: "media_not_found", message: "Media not found" };
	return new Blob([await response.arrayBuffer()], { type: message.mimetype });
}

async function getQuotedMsg(id) {
	const message = await getMessageById(id);
	if (!message.quotedStanzaID) throw new WPPError("message_not_have_a_reply", `Message ${id} does not have a reply`, { id });
	return app.store.find(message.quotedStanzaID).message;
}

export async function markIsRead(id) {
	const home = assertGetChat(id);
	const { unreadCount } = home;
	await app.call("read", { jid: home.key });
	home.unreadCount = 0;
	if (unreadCount) app.say("unread", home, unreadCount);
	return { wid: home.id, unreadCount };
}

export async function markIsComposing(id, duration) {
	assertGetChat(id);
	if (duration) await sleep(duration);
}

async function deleteMessage(chatId, ids, _clearMedia = false, isRevoked = false) {
	assertGetChat(chatId);
	const results = [];
	for (const message of await getMessageById([ids].flat())) {
		if (isRevoked) await answered(app.call("revoke", { id: message.id.id }));
		else app.store.find(message.id.id).chat.msgs.delete(message.id.id);
		const { fromMe } = message.id;
		results.push({ id: message.id.toString(), sendMsgResult: "OK", isRevoked, isDeleted: !isRevoked, isSentByMe: fromMe });
	}
	return Array.isArray(ids) ? results : results[0];
}

export const chat = {
	get: (id) => app.store.chatOf(assertWid(id)),
	find,
	list,
	deleteMessage,
	generateMessageID,
	getMessageById,
	getMessageACK,
	getMessages,
	getQuotedMsg,
	canReply: async (id) => canReplyTo(id.attributes ? id : await getMessageById(id)),
	downloadMedia,
	markIsRead,
	markIsComposing,
	markIsRecording: markIsComposing,
	markIsPaused: async (id) => void assertGetChat(id),
};

export const group = {
	getAllGroups: async () => list({ onlyGroups: true }),
	getParticipants: async (id) => assertGetChat(id).groupMetadata.participants,
};
