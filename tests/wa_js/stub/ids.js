// WhatsApp's names of chats and people (Wid) and of messages (MsgKey).

import { define } from "./loader.js";

const SERVERS = new Set(["c.us", "g.us", "lid", "broadcast", "newsletter", "bot"]);

export class Wid {
	constructor(user, server) {
		Object.assign(this, { user, server, _serialized: `${user}@${server}` });
	}

	static isXWid(server, wid) {
		return String(wid).endsWith(`@${server}`);
	}

	toString() {
		return this._serialized;
	}

	toJid() {
		return this._serialized.replace("@c.us", "@s.whatsapp.net");
	}

	toJSON() {
		return this._serialized;
	}

	equals(other) {
		return other instanceof Wid && other._serialized === this._serialized;
	}

	isUser() {
		return ["c.us", "lid", "bot"].includes(this.server);
	}

	isLid() {
		return this.server === "lid";
	}

	isGroup() {
		return this.server === "g.us";
	}

	isBroadcast() {
		return this.server === "broadcast";
	}

	isStatusV3() {
		return this._serialized === "status@broadcast";
	}

	isNewsletter() {
		return this.server === "newsletter";
	}

	isBot() {
		return this.server === "bot";
	}

	isPSA() {
		return this._serialized === "0@c.us";
	}
}

export function createWid(text) {
	if (text instanceof Wid) return text;
	const [user, server] = String(text).split("@");
	if (!user || !SERVERS.has(server)) throw new Error(`wid error: invalid wid "${text}"`);
	return new Wid(user, server);
}

function createUserWidOrThrow(user, server = "c.us") {
	return createWid(user.includes("@") ? user : `${user}@${server}`);
}

export class MsgKey {
	/** Takes {fromMe, remote, id, participant} or {from, to, id, participant, selfDir: "in" or "out"}. */
	constructor(fields) {
		if (!fields) throw new Error("MsgKey error: obj is null/undefined");
		const isOut = fields.selfDir === "out";
		this.fromMe = fields.selfDir ? isOut : Boolean(fields.fromMe);
		this.remote = fields.selfDir ? (isOut ? fields.to : fields.from) : fields.remote;
		this.id = fields.id;
		this.participant = fields.participant ?? undefined;
		// As in WhatsApp since 2.3000.1042401057; wa-js turns it back into _serialized.
		const parts = [this.fromMe, this.remote, this.id, this.participant];
		this.$1 = parts.filter((part) => part !== undefined).join("_");
	}

	static fromString(text) {
		const [fromMe, remote, id, participant] = text.split("_");
		return new MsgKey({
			fromMe: fromMe === "true",
			remote: createWid(remote),
			id,
			participant: participant && createWid(participant),
		});
	}

	static async newId() {
		const bytes = crypto.getRandomValues(new Uint8Array(9));
		return "3EB0" + Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("").toUpperCase();
	}

	toString() {
		return this.$1;
	}

	equals(other) {
		return String(other) === String(this);
	}
}

define("WAWebWid", { default: Wid });
define("WAWebMsgKey", { default: MsgKey });
define("WAWebWidFactory", {
	createWid,
	createUserWid: createUserWidOrThrow,
	createUserWidOrThrow,
	createWidFromWidLike: (wid) => createWid(String(wid)),
	isWidlike: (value) => value instanceof Wid,
	toUserWidOrThrow: (wid) => wid,
});
