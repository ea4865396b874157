// Our adapter over wa-js: jobs go in, results and events come out through one queue that the session polls.
// It is injected behind the wa-js bundle and before the page's own scripts, and again after every reload.
(() => {
	"use strict";
	if (window !== window.top || window.whatsappBridge) return;

	const BOOT = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`; // tells reloads apart
	const QUIET_SECONDS = 5; // how long a lookup beside the matter may hold up an event
	const BACKLOG_CHATS = 200;
	const HISTORY = 100; // messages of a chat among which one is looked for that its key does not find
	const queue = [];
	const ours = new Map(); // id of each message that was sent from here → whoever waits for its first receipt
	let last = 0;
	let ending = null; // why WhatsApp said the link is over

	const push = (kind, fields) => queue.push({ seq: ++last, at: Date.now() / 1000, kind, ...fields });
	const fault = (code, text = code) => Object.assign(new Error(text), { code });
	const words = (value) => (value === undefined || value === null ? "" : String(value));

	function describe(error) {
		return { code: words(error?.code), text: words(error?.message ?? error).slice(0, 300) };
	}

	function within(seconds, promise) {
		let timer;
		const expiry = new Promise((_resolve, reject) => {
			timer = setTimeout(() => reject(fault("timeout")), seconds * 1000);
		});
		return Promise.race([promise, expiry]).finally(() => clearTimeout(timer));
	}

	// -- what the page is like now --

	/** wa-js throws from most functions until WhatsApp's modules are there. */
	function ask(question, otherwise) {
		try {
			return question() ?? otherwise;
		} catch {
			return otherwise;
		}
	}

	function state() {
		const { conn } = window.WPP ?? {};
		const stream = ask(() => conn.getStreamData(), {});
		return {
			injected: ask(() => WPP.isInjected, false),
			ready: ask(() => WPP.isReady, false),
			full_ready: ask(() => WPP.isFullReady, false), // from then on it hears receipts, edits and reactions
			main_ready: ask(() => conn.isMainReady(), false), // on the QR screen too
			authenticated: ask(() => conn.isAuthenticated(), false),
			mode: words(stream.mode),
			info: words(stream.info),
			needs_update: ask(() => conn.needsUpdate(), false),
			ending,
		};
	}

	// -- jobs --

	async function run({ id, kind, args, limit }) {
		const task = { hasLeft: false, isOver: false };
		try {
			push("result", { job: id, value: (await within(limit, JOBS[kind](args, task))) ?? null });
		} catch (error) {
			push("result", { job: id, error: describe(error), has_left: task.hasLeft });
		} finally {
			task.isOver = true;
		}
	}

	/** The last moment at which a message can be held back: what ran out of time must never leave later. */
	function leave(task) {
		if (task.isOver) throw fault("timeout");
		task.hasLeft = true;
	}

	/** The chat to write to (by phone digits, or by WhatsApp's own id), and the LID of the person where it is known. */
	async function findChat(to) {
		let wid = to;
		let lid = to.endsWith("@lid") ? to : "";
		if (!to.includes("@")) {
			const found = await WPP.contact.queryWidExists(`${to}@c.us`);
			// wa-js answers null for "no" and for "could not ask" alike.
			if (!found) throw fault(ask(() => WPP.conn.isOnline(), true) ? "not_on_whatsapp" : "offline");
			wid = String(found.wid);
			lid = words(found.lid);
		}
		const chat = await WPP.chat.find(wid);
		return { chat, id: String(chat.id), wid, lid };
	}

	/** The serialized key of a message of ours: WhatsApp's own spelling for this chat, with the id chosen beforehand. */
	async function ownKey(chat, id) {
		const key = await WPP.chat.generateMessageID(chat);
		return String(key).replace(key.id, id);
	}

	async function findMessage(key) {
		try {
			return await WPP.chat.getMessageById(key);
		} catch (error) {
			if (["msg_not_found", "chat_not_found"].includes(error?.code)) return null;
			throw error;
		}
	}

	/** wa-js leaves the newest message of a chat out where WhatsApp has not read it from its storage yet. */
	async function warm(chat) {
		if (chat.lastReceivedKey) await findMessage(String(chat.lastReceivedKey)).catch(() => null);
	}

	/** The serialized key of any message of a chat. `wid` is the chat's name before WhatsApp kept it by LID. */
	async function findKey(chat, wid, id) {
		const names = String(chat.id).endsWith("@g.us") ? [] : new Set([String(chat.id), wid]);
		for (const name of names)
			for (const key of [`false_${name}_${id}`, `true_${name}_${id}`]) if (await findMessage(key)) return key;
		await warm(chat);
		const messages = await WPP.chat.getMessages(String(chat.id), { count: HISTORY });
		const found = messages.find((message) => message.id.id === id);
		if (!found) throw fault("msg_not_found");
		return String(found.id);
	}

	/** A message of ours by the id chosen beforehand, or null. */
	async function findOwn(chat, wid, id) {
		const found = await findMessage(await ownKey(chat, id));
		if (found || wid === String(chat.id)) return found;
		return findMessage(`true_${wid}_${id}`); // from before WhatsApp kept the chat by LID
	}

	const FILE_TYPES = { image: "image", video: "video", audio: "audio", voice: "audio", sticker: "sticker" };

	function takeFile({ input, filename, mime_type }) {
		const element = document.getElementById(input);
		const [file] = element?.files ?? [];
		element?.remove();
		if (!file) throw fault("file_missing");
		return new File([file], filename, { type: mime_type });
	}

	function sendFile(wid, content, options) {
		return WPP.chat.sendFileMessage(wid, content.file, {
			...options,
			type: FILE_TYPES[content.kind] ?? "document",
			caption: content.caption || undefined,
			isPtt: content.kind === "voice",
		});
	}

	const SENDERS = {
		text: (wid, { body, preview }, options) =>
			WPP.chat.sendTextMessage(wid, body, { ...options, linkPreview: preview }),
		location: (wid, { latitude, longitude, label, address }, options) =>
			WPP.chat.sendLocationMessage(wid, {
				...options,
				lat: latitude,
				lng: longitude,
				name: label || undefined,
				address: address || undefined,
			}),
		contacts: (wid, { contacts }, options) => WPP.chat.sendVCardContactMessage(wid, contacts, options),
	};

	/** WhatsApp's word that it has a message: the answer of wa-js, or a receipt where that never comes. */
	function confirmed(id, answer) {
		const receipt = new Promise((resolve) => ours.set(id, resolve));
		return Promise.race([answer.then(({ ack, sendMsgResult }) => ({ ack, result: words(sendMsgResult?.messageSendResult) })), receipt]);
	}

	function tellAcks({ ack, ids }) {
		ids.forEach(({ id }) => ours.get(id)?.({ ack, result: "OK" }));
		tell("ack", { ack, ids: ids.map(({ id }) => id) });
	}

	async function send({ to, id, is_repeat, reply_to, typing, confirm_within, ...rest }, task) {
		const content = SENDERS[rest.content.kind] ? rest.content : { ...rest.content, file: takeFile(rest.content) };
		const { chat, id: chat_id, wid, lid } = await findChat(to);
		const found = is_repeat ? await findOwn(chat, wid, id) : null;
		if (found) return { id, ack: found.ack, wid, lid, found: true };
		const key = await ownKey(chat, id);
		const options = { messageId: key, markIsRead: false, detectMentioned: false, waitForAck: true };
		if (reply_to) options.quotedMsg = await findKey(chat, wid, reply_to);
		await showTyping(chat_id, content.kind, typing);
		const deliver = SENDERS[content.kind] ?? sendFile;
		leave(task);
		const started = Date.now() / 1000;
		const answer = confirmed(id, deliver(chat_id, content, options));
		return { id, wid, lid, started, ...(await within(confirm_within, answer)) };
	}

	/** As a person would; a chat where this fails gets its message all the same. */
	async function showTyping(chat_id, kind, seconds) {
		if (!seconds) return;
		const show = kind === "voice" ? "markIsRecording" : "markIsComposing";
		await WPP.chat[show](chat_id).catch(() => {});
		await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
		await WPP.chat.markIsPaused(chat_id).catch(() => {});
	}

	async function react({ to, message_id, emoji }, task) {
		const { chat, wid, lid } = await findChat(to);
		const key = await findKey(chat, wid, message_id);
		leave(task);
		await WPP.chat.sendReactionToMessage(key, emoji || false);
		return { wid, lid };
	}

	async function describeSelf() {
		const ask_or = (question) => ask(question, "");
		return {
			number: words(ask_or(() => WPP.conn.getMyUserId())).replace(/[@:].*/, ""),
			lid: words(ask_or(() => WPP.conn.getMyUserLid())),
			name: words(ask_or(() => WPP.profile.getMyProfileName())),
			platform: words(ask_or(() => WPP.conn.getPlatform())),
			version: words(ask_or(() => WPP.version)),
			whatsapp_version: words(ask_or(() => window.Debug.VERSION)),
		};
	}

	/** One after another; what goes wrong with one is told and keeps nothing from the others. */
	async function forEach(rows, work) {
		for (const row of rows) await work(row).catch((error) => push("trouble", { error: describe(error) }));
	}

	/** What came while nobody listened; the reader leaves out what it knows already. */
	async function readBacklog() {
		const wanted = { onlyWithUnreadMessage: true, count: BACKLOG_CHATS, ignoreGroupMetadata: true };
		const chats = await WPP.chat.list(wanted);
		await forEach(chats, async (chat) => {
			await warm(chat);
			const messages = await WPP.chat.getMessages(String(chat.id), { count: -1, onlyUnread: true });
			messages.forEach(tellMessage);
		});
		await telling;
		return { chats: chats.length };
	}

	/** How far these messages of ours have got: [{to, id}] → [{id, ack}]. */
	async function readAcks({ messages }) {
		const acks = [];
		await forEach(messages, async ({ to, id }) => {
			const wid = to.includes("@") ? to : `${to}@c.us`;
			const found = await findOwn(await WPP.chat.find(wid), wid, id);
			if (found) acks.push({ id, ack: found.ack });
		});
		return acks;
	}

	/** Have the browser keep a received file in its download folder, under the name of the job. */
	async function download({ chat, id, name }) {
		const key = await findKey(await WPP.chat.find(chat), chat, id);
		const blob = await WPP.chat.downloadMedia(key);
		const link = document.createElement("a");
		// By its type the browser would give the name another ending.
		link.href = URL.createObjectURL(blob.slice(0, blob.size, "application/octet-stream"));
		link.download = name;
		link.click();
		setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
		return { size: blob.size, mime_type: blob.type };
	}

	const JOBS = {
		send,
		react,
		download,
		acks: readAcks,
		backlog: readBacklog,
		self: describeSelf,
		qr: async () => ({ code: words((await WPP.conn.getAuthCode())?.fullCode) }),
		refresh_qr: async () => void (await WPP.conn.refreshQR()),
		pair: async ({ phone }) => ({ code: await WPP.conn.startLinkDeviceCodeForPhoneNumber(phone) }),
		mark_read: async ({ to }) => void (await WPP.chat.markIsRead((await findChat(to)).id)),
		log_out: async () => void (await WPP.conn.logout()),
	};

	// -- events --

	/** Events keep their order, though some need a lookup. */
	let telling = Promise.resolve();

	function tellInOrder(make) {
		telling = telling.then(make).catch((error) => push("trouble", { error: describe(error) }));
	}

	const tell = (kind, fields) => tellInOrder(() => push(kind, fields));

	function tellMessage(message) {
		if (ours.has(message.id.id)) return;
		tellInOrder(async () => push("message", { message: await describeMessage(message) }));
	}

	/** The phone and the LID of a person, as far as this browser knows them. */
	async function identify(id) {
		if (!id.endsWith("@lid")) return { phone: id.replace(/[@:].*/, ""), lid: "" };
		const entry = await within(QUIET_SECONDS, WPP.contact.getPnLidEntry(id)).catch(() => null);
		return { phone: words(entry?.phoneNumber?.id), lid: id };
	}

	// Their body is a picture in base64, or the card itself.
	const NO_TEXTS = new Set(["location", "vcard", "multi_vcard"]);

	/** What people read of a message, beside its caption. The body of a file is a picture in base64, too. */
	function readBody({ type, body, mimetype }) {
		return mimetype || NO_TEXTS.has(type) ? "" : words(body);
	}

	function readPlace({ lat, lng, loc }) {
		return typeof lat === "number" ? { latitude: lat, longitude: lng, label: words(loc) } : null;
	}

	/** The cards of a message. wa-js sends a single one without a list, and so do the phones. */
	function readCards({ type, body, vcardFormattedName, vcardList }) {
		const cards = type === "vcard" ? [{ displayName: vcardFormattedName, vcard: body }] : (vcardList ?? []);
		return cards.map(({ displayName, vcard }) => ({ name: words(displayName), vcard: words(vcard) }));
	}

	async function describeMessage(message) {
		const { id } = message;
		const chat = words(id.remote);
		const is_group = chat.endsWith("@g.us");
		const person = is_group && !id.fromMe ? words(id.participant ?? message.author) : chat;
		const sender = is_group && id.fromMe ? { phone: "", lid: "" } : await identify(person);
		return {
			id: id.id,
			from_me: id.fromMe,
			chat,
			person,
			...sender,
			is_group,
			name: words(message.notifyName),
			type: words(message.type),
			subtype: words(message.subtype),
			body: readBody(message),
			caption: words(message.caption),
			at: message.t ?? 0,
			ack: message.ack ?? 0,
			mime_type: words(message.mimetype),
			filename: words(message.filename),
			sha256: words(message.filehash),
			reply_to: words(message.quotedStanzaID),
			forwarded: Boolean(message.isForwarded),
			location: readPlace(message),
			vcards: readCards(message),
		};
	}

	function tellReaction({ id, msgId, reactionText }) {
		tell("reaction", { message_id: msgId.id, chat: words(msgId.remote), emoji: words(reactionText), from_me: Boolean(id?.fromMe) });
	}

	const ENDINGS = new Set(["account_temporarily_banned", "unexpected_logout_modal"]);

	const EVENTS = {
		"conn.auth_code_change": (code) => push("qr", { code: words(code?.fullCode) }),
		"conn.qrcode_idle": () => push("qr_idle", {}),
		"conn.link_code_change": (code) => push("pairing_code", { code: words(code) }),
		"conn.link_code_expired": () => push("pairing_code", { code: "" }),
		"conn.link_code_error": (error) => push("pairing_failed", { error: describe(error) }),
		"conn.logout": () => (ending ??= "logout"),
		"conn.logout_reason": (reason) => (ending = words(reason) || "logout"),
		"conn.backend_event": (name) => ENDINGS.has(words(name?.name ?? name)) && (ending = words(name?.name ?? name)),
		"chat.new_message": tellMessage,
		"chat.msg_ack_change": tellAcks,
		"chat.msg_edited": ({ msg }) => tell("edited", { id: msg.id.id, body: words(msg.caption) || readBody(msg) }),
		"chat.msg_revoke": ({ refId }) => tell("revoked", { id: refId.id }),
		"chat.new_reaction": tellReaction,
	};

	// A listener that throws would stop wa-js' own listeners of the same event.
	for (const [name, listener] of Object.entries(EVENTS)) {
		window.WPP?.on(name, (...args) => {
			try {
				listener(...args);
			} catch (error) {
				push("trouble", { error: describe(error) });
			}
		});
	}

	window.whatsappBridge = {
		/** Take a job: {id, kind, args, limit in seconds}; its result comes through the queue. */
		submit(job) {
			run(job);
		},

		/** What came behind item `ack` of this boot, at most `max` items, and the state of the page. */
		pull(boot, ack, max) {
			if (boot === BOOT) while (queue.length && queue[0].seq <= ack) queue.shift();
			return { boot: BOOT, items: queue.slice(0, max), state: state() };
		},

		/** Make a hidden place for a file; a dropped one goes by its id to the job that sends it. */
		makeInput(id) {
			const input = Object.assign(document.createElement("input"), { type: "file", id });
			input.style.display = "none";
			document.documentElement.append(input);
		},
	};
})();
