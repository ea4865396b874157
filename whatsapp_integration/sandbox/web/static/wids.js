/* WhatsApp's names of people, chats and messages. wa-js hands these objects out as they are. */

export class Wid {
	constructor(serialized) {
		const [user, server] = serialized.split("@");
		Object.assign(this, { user, server, _serialized: serialized });
	}

	static isWid = (value) => /^[\d-]+@(c\.us|lid|g\.us|broadcast|newsletter)$|^status@broadcast$/.test(String(value));

	isUser = () => this.server === "c.us" || this.server === "lid";
	isLid = () => this.server === "lid";
	isGroup = () => this.server === "g.us";
	isStatus = () => this._serialized === "status@broadcast";
	isStatusV3 = () => this.isStatus();
	isNewsletter = () => this.server === "newsletter";
	equals = (other) => this._serialized === String(other?._serialized ?? other);
	toString = () => this._serialized;
	toJid = () => this._serialized;
	toJSON = () => this._serialized;
}

/* What wa-js takes for a Wid: one, a text of one, or bare digits. undefined for anything else. */
export function createWid(value) {
	const text = typeof value === "object" ? value?._serialized : value;
	if (typeof text !== "string") return undefined;
	if (/^\d+$/.test(text)) return new Wid(`${text}@c.us`);
	if (/^\d+-\d+$/.test(text)) return new Wid(`${text}@g.us`);
	return Wid.isWid(text) ? new Wid(text) : undefined;
}

export class MsgKey {
	constructor({ fromMe, remote, id, participant }) {
		Object.assign(this, { fromMe, remote, id });
		if (participant) this.participant = participant;
		this._serialized = [fromMe, remote, id, ...(participant ? [participant] : [])].join("_");
	}

	static fromString(text) {
		const [fromMe, remote, id, participant] = text.split("_");
		const wid = remote && createWid(remote);
		if (!wid || !id || !/^(true|false)$/.test(fromMe)) throw new Error(`invalid message key ${text}`);
		return new MsgKey({ fromMe: fromMe === "true", remote: wid, id, participant: participant && new Wid(participant) });
	}

	equals = (other) => this._serialized === String(other);
	toString = () => this._serialized;
	clone = () => new MsgKey(this);
}

export function newMessageId() {
	const bytes = crypto.getRandomValues(new Uint8Array(9));
	return `3EB0${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("").toUpperCase()}`;
}
