/* Chats and messages as WhatsApp's page has them in memory. */

import { MsgKey, Wid } from "./wids.js";

const asBase64 = (hex) => btoa(String.fromCharCode(...(hex.match(/../g) ?? []).map((pair) => parseInt(pair, 16))));

/* wa-js hands these out; `raw` is what the server says of the message. */
export class Msg {
	constructor(raw, me) {
		this.apply(raw, me);
	}

	apply(raw, me) {
		const remote = new Wid(raw.remote);
		const author = raw.author ? new Wid(raw.author) : undefined;
		const own = new Wid(remote.isGroup() || remote.isLid() ? me.lid : me.pn);
		Object.assign(this, {
			id: new MsgKey({ fromMe: raw.from_me, remote, id: raw.id, participant: author }),
			key: raw.chat,
			from: raw.from_me ? own : remote,
			to: raw.from_me ? remote : own,
			author,
			notifyName: raw.name ?? "",
			type: raw.revoked ? "revoked" : raw.type,
			body: raw.body,
			caption: raw.caption || undefined,
			t: raw.t,
			order: raw.order ?? raw.t, // of messages of the same second
			ack: raw.ack,
			isNewMsg: false,
			isForwarded: raw.forwarded ?? false,
			isViewOnce: false,
			mentionedJidList: [],
			lat: raw.lat,
			lng: raw.lng,
			loc: raw.loc,
			vcardList: raw.vcardList,
			vcardFormattedName: raw.vcardFormattedName,
			reactions: raw.reactions ?? {},
			isEdited: raw.edited ?? false,
			file: raw.file ?? "",
		});
		if (raw.file || raw.mimetype) this.#applyFile(raw);
		if (raw.quoted) this.#applyQuoted(raw.quoted);
	}

	#applyFile(raw) {
		const filehash = asBase64(raw.sha256 ?? "");
		const { mimetype, size, duration } = raw;
		Object.assign(this, { mimetype, size, duration, filename: raw.filename || undefined, filehash });
		this.mediaData = { mimetype, size, filehash, type: raw.type };
	}

	#applyQuoted(quoted) {
		Object.assign(this, {
			quotedStanzaID: quoted.id,
			quotedParticipant: new Wid(quoted.participant),
			quotedMsg: { type: quoted.type, body: quoted.body, caption: quoted.caption },
		});
	}

	get attributes() {
		return this;
	}
}

export class Chat {
	#sorted = [];

	constructor(raw, store) {
		this.key = raw.key;
		this.id = new Wid(raw.jid);
		this.unreadCount = raw.unread;
		this.msgs = new Map(); // short id → Msg
		this.apply(raw, store);
	}

	apply(raw, store) {
		this.name = raw.name;
		this.lid = raw.lid;
		this.pn = raw.pn;
		this.isBusiness = raw.business ?? false;
		this.isGroup = this.id.isGroup();
		this.isUser = !this.isGroup;
		if (raw.members) {
			const participants = [...raw.members, { lid: store.me.lid, name: store.me.name }];
			this.groupMetadata = {
				id: this.id,
				subject: raw.name,
				participants: participants.map((member) => ({ id: new Wid(member.lid), isAdmin: false, name: member.name })),
			};
		}
		for (const message of raw.messages ?? []) {
			if (!this.msgs.has(message.id)) this.msgs.set(message.id, new Msg(message, store.me));
		}
	}

	get formattedTitle() {
		return this.name || (this.id.server === "c.us" ? `+${this.id.user}` : "~");
	}

	get hasUnread() {
		return this.unreadCount !== 0;
	}

	/* Oldest first. */
	get messages() {
		if (this.#sorted.length !== this.msgs.size) {
			this.#sorted = [...this.msgs.values()].sort((one, other) => one.order - other.order);
		}
		return this.#sorted;
	}

	get lastReceivedKey() {
		return this.messages.at(-1)?.id;
	}

	toJSON() {
		return { id: this.id, name: this.name, unreadCount: this.unreadCount, isGroup: this.isGroup };
	}
}

export class Store {
	chats = new Map(); // the server's key → Chat
	people = new Map(); // jid of either kind → {pn, lid, name}

	constructor(me) {
		this.me = me;
	}

	know(person) {
		const known = this.people.get(person.lid);
		if (known?.pn && !person.pn) return;
		this.people.set(person.lid, person);
		if (person.pn) this.people.set(person.pn, person);
	}

	addChat(raw) {
		const known = this.chats.get(raw.key);
		if (known) {
			known.apply(raw, this);
			return known;
		}
		const chat = new Chat(raw, this);
		this.chats.set(raw.key, chat);
		return chat;
	}

	/* By the chat's own id, or by the other name of its person. */
	chatOf(jid) {
		const text = String(jid);
		const person = this.people.get(text);
		return this.chats.get(text) ?? this.chats.get(person?.pn) ?? this.chats.get(person?.lid);
	}

	/* The message and its chat, which is there as soon as it has a message. */
	addMessage(raw) {
		const chat = this.chats.get(raw.chat) ?? this.addChat(this.#chatFor(raw));
		const known = chat.msgs.get(raw.id);
		if (known) known.apply(raw, this.me);
		const message = known ?? new Msg(raw, this.me);
		chat.msgs.set(raw.id, message);
		return { chat, message };
	}

	#chatFor(raw) {
		const person = this.people.get(raw.chat) ?? { name: raw.name, lid: "", pn: "" };
		const jid = this.me.lid_mode === "chats" && person.lid ? person.lid : raw.chat;
		return { key: raw.chat, jid, unread: 0, name: person.name, lid: person.lid, pn: person.pn };
	}

	find(id) {
		for (const chat of this.chats.values()) {
			const message = chat.msgs.get(id);
			if (message) return { chat, message };
		}
		return null;
	}
}
