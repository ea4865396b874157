/* What wa-js's functions that send do here. */

import { answered, assertWid, canReplyTo, find, generateMessageID, getMessageById, markIsComposing, markIsRead } from "./chats.js";
import { WPPError } from "./errors.js";
import { app } from "./page.js";
import { MsgKey, newMessageId } from "./wids.js";

const LIMITS = { document: 2 * 1024 ** 3, other: 64 * 1024 ** 2 }; // bytes of a file
const DEFAULTS = { detectMentioned: true, markIsRead: true, waitForAck: true, delay: 0 };

async function keyFor(target, given) {
	if (!given) return generateMessageID(target);
	const key = typeof given === "string" ? MsgKey.fromString(given) : given;
	const messageId = key.toString();
	if (!key.fromMe) throw new WPPError("message_key_is_not_from_me", "Message key is not from me", { messageId });
	if (!key.remote.equals(target.id)) {
		const code = "message_key_remote_id_is_not_same_of_chat";
		throw new WPPError(code, "Message key remote ID is not same of chat", { messageId });
	}
	return key;
}

async function quotedFor(given) {
	if (!given) return null;
	const quoted = given.attributes ? given : await getMessageById(given);
	if (!canReplyTo(quoted)) throw new WPPError("quoted_msg_can_not_reply", "QuotedMsg can not reply", { quotedMsg: quoted });
	const { body, caption, type } = quoted;
	return { id: quoted.id.id, participant: (quoted.author ?? quoted.from).toString(), type, body, caption };
}

/* The message of every kind of send; `content` has WhatsApp's names of it. */
async function send(to, content, options, called, file) {
	const target = await find(to);
	const given = { ...DEFAULTS, ...options };
	if (given.delay) {
		await markIsComposing(target.id, given.delay);
	}
	const key = await keyFor(target, given.messageId);
	const quoted = await quotedFor(given.quotedMsg);
	if (given.markIsRead) await markIsRead(target.id).catch(() => null);
	const { delay, detectMentioned, markIsRead: read, mentionedList, waitForAck } = given;
	const raw = {
		id: key.id,
		from_me: true,
		chat: target.key,
		remote: target.id.toString(),
		author: key.participant?.toString() ?? "",
		body: "",
		caption: "",
		t: Math.floor(Date.now() / 1000),
		order: Date.now() / 1000,
		ack: 0,
		quoted,
		options: { delay, detectMentioned, markIsRead: read, mentionedList: mentionedList?.map(String), waitForAck },
		timing: { called },
		...content,
	};
	const [message, delivered] = await app.outbox.send(raw, file);
	const sendMsgResult = given.waitForAck ? await delivered : null;
	if (given.waitForAck) app.call("settle", { id: key.id, at: Date.now() }).catch(() => {});
	else delivered.catch(() => {});
	return { id: message.id.toString(), ack: message.ack, from: message.from.toString(), to: target.id.toString(), sendMsgResult };
}

export async function sendTextMessage(to, body, options = {}) {
	const called = Date.now();
	const isPreviewed = Boolean(options.linkPreview ?? true);
	return send(to, { type: "chat", body: String(body), link_preview: isPreviewed }, options, called);
}

function asFile(content, options) {
	if (content instanceof File) return content;
	if (content instanceof Blob) return new File([content], options.filename || "unknown", { type: options.mimetype || content.type });
	const [, type, data] = /^(?:data:([^,]*?);base64,)?([A-Za-z0-9+/=\s]+)$/.exec(content) ?? [];
	if (!data) throw "invalid_data_url"; // as it is: no Error
	const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
	const mimetype = options.mimetype || type || "application/octet-stream";
	return new File([bytes], options.filename || "unknown", { type: mimetype });
}

function typeOf(file, { type, isPtt }) {
	const detected = ["image", "video", "audio"].find((kind) => file.type.startsWith(`${kind}/`)) ?? "document";
	const kind = type === "auto-detect" ? detected : type;
	return kind === "audio" && isPtt ? "ptt" : kind;
}

export async function sendFileMessage(to, content, options) {
	const called = Date.now();
	const given = { type: "auto-detect", ...options };
	await find(to);
	const file = asFile(content, given);
	const type = typeOf(file, given);
	if (file.size > (LIMITS[type] ?? LIMITS.other)) {
		throw new WPPError("file_too_large", `File size ${file.size} exceeds the upload limit for ${type} files`);
	}
	const parts = { type, caption: given.caption ?? "", mimetype: file.type, size: file.size };
	if (type === "document") parts.filename = file.name;
	const { id, ack, sendMsgResult } = await send(to, parts, given, called, file);
	return { id, ack, sendMsgResult };
}

export async function sendLocationMessage(to, options) {
	const { lat, lng, name, address } = options;
	const extra = { lat: Number(lat), lng: Number(lng), loc: [name, address].filter(Boolean).join("\n") };
	return send(to, { type: "location", ...extra, extra }, options, Date.now());
}

export async function sendVCardContactMessage(to, contacts, options = {}) {
	const cards = [contacts].flat().map((contact) => {
		const { user } = assertWid(contact.id ?? contact);
		const name = contact.name ?? `+${user}`;
		const vcard = `BEGIN:VCARD\nVERSION:3.0\nN:;${name};;;\nFN:${name}\nTEL;type=CELL;waid=${user}:+${user}\nEND:VCARD`;
		return { displayName: name, vcard };
	});
	const [{ displayName, vcard }] = cards;
	const one = { type: "vcard", body: vcard, extra: { vcardFormattedName: displayName } };
	const content = cards.length === 1 ? one : { type: "multi_vcard", extra: { vcardList: cards } };
	return send(to, { ...content, ...content.extra }, options, Date.now());
}

export async function sendReactionToMessage(id, emoji) {
	const message = id.attributes ? id : await getMessageById(id);
	const answer = await answered(app.call("react", { id: message.id.id, emoji: emoji || "" }));
	const item = { sender: app.me.pn, from_me: true, emoji: emoji || "", reaction: newMessageId(), t: Date.now() };
	message.reactions.me = item.emoji;
	app.say("reaction", message, item);
	return { sendMsgResult: answer.result };
}
