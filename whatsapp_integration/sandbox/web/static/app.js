/* The page that stands in for WhatsApp Web. wa-js (or its stand-in, wpp.js) finds it as `window.StandIn`. */

import { chat, group } from "./chats.js";
import { startLinking } from "./link.js";
import { PAGE, call, startPulling } from "./net.js";
import { outbox } from "./outbox.js";
import { app } from "./page.js";
import { contact, util } from "./people.js";
import * as profile from "./profile.js";
import { draw } from "./screen.js";
import * as sends from "./sends.js";
import { Store } from "./store.js";

const VERSION = "2.3000.0";
const LEAVING = 300; // ms between a logout and the page loading itself again, as the real one does
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

app.modules = { chat: { ...chat, ...sends }, contact, group, util };
app.raiseAck = raiseAck;
app.outbox = outbox(app);

function setMode(mode, info) {
	if (info !== app.info) {
		app.info = info;
		app.say("info", info);
	}
	if (mode !== app.mode) {
		app.mode = mode;
		app.say("mode", mode);
	}
}

/* ------------------------------------------------------------------ messages that come in */

function raiseAck(id, { ack, remote, participant }) {
	const found = app.store?.find(id);
	if (!found || (ack >= 0 && ack <= found.message.ack)) return;
	found.message.ack = ack;
	app.say("ack", found.message, { ack, remote, participant });
}

function receive({ message: raw, person }) {
	if (person) app.store.know(person);
	const isKnown = Boolean(app.store.find(raw.id));
	const isFirst = raw.encrypted_first && !isKnown;
	const { chat, message } = app.store.addMessage(isFirst ? { ...raw, type: "ciphertext", body: "" } : raw);
	message.isNewMsg = true;
	if (person && !chat.isGroup) chat.name = person.name;
	app.say("message", message);
	if (isFirst) {
		app.store.addMessage(raw);
		app.say("message", message);
	}
	if (!raw.from_me && !isKnown) count(chat, chat.unreadCount + 1);
}

function count(chat, unread) {
	const before = chat.unreadCount;
	if (unread === before) return;
	chat.unreadCount = unread;
	app.say("unread", chat, before);
}

function edit({ id, body, edit: key }) {
	const found = app.store.find(id);
	if (!found) return;
	Object.assign(found.message, { body, isEdited: true, latestEditMsgKey: key });
	app.say("edit", found.message);
}

function revoke(item) {
	const found = app.store.find(item.id);
	if (!found) return;
	Object.assign(found.message, { type: "revoked", body: "", caption: undefined, mediaData: undefined, file: "" });
	app.say("revoke", found.message, item);
}

function react(item) {
	const found = app.store.find(item.id);
	if (!found) return;
	found.message.reactions[item.sender] = item.emoji;
	app.say("reaction", found.message, item);
}

/* ------------------------------------------------------------------ what the server wants */

const WORK = {
	message: receive,
	ack: (item) => app.outbox.whenSent(item.id, () => raiseAck(item.id, item)), // "delivered" never overtakes "sent"
	edit,
	revoke,
	reaction: react,
	linked: async ({ session, secret }) => {
		app.linking?.stop();
		await profile.put("link", "session", { session, secret });
		Object.assign(app, { ref: null, pairing: null, isLinked: true });
		app.say("ref", null);
		setMode("SYNCING", "SYNCING");
		const answer = await boot();
		await enter(answer);
	},
	logout: ({ reason }) => leave(reason),
	mode: ({ mode }) => setMode(mode, mode === "MAIN" ? "NORMAL" : app.info),
	backend: ({ name }) => app.say("backend", name),
	needs_update: () => {
		app.needsUpdate = true;
		app.say("needs_update");
	},
	online: ({ online }) => goOnline(online),
	reload: () => location.reload(),
	busy: ({ seconds }) => keepBusy(seconds),
};

async function work(item) {
	await WORK[item.kind]?.(item);
	if (item.kind === "reload") await pause(LEAVING);
	draw(app);
}

function goOnline(online) {
	app.online = online;
	app.say("online", online);
	setMode(app.mode, online ? "NORMAL" : "OFFLINE");
	if (online) app.outbox.retry();
}

/* Behind the answer, or the page would be told to be busy again after it is loaded again. */
function keepBusy(seconds) {
	setTimeout(() => {
		const end = seconds ? Date.now() + seconds * 1000 : Infinity;
		while (Date.now() < end);
	}, LEAVING);
}

async function leave(reason) {
	app.say("backend", "starting_logout");
	app.say("logout_reason", reason);
	Object.assign(app, { isLinked: false, isMainLoaded: false });
	app.say("logout");
	await profile.forget();
	await pause(LEAVING);
	location.reload();
}

/* ------------------------------------------------------------------ begin */

async function boot() {
	const link = (await profile.get("link", "session")) ?? {};
	return call("boot", { ...link, user_agent: navigator.userAgent });
}

async function enter(answer) {
	app.me = answer.me;
	app.device = answer.device;
	app.store = new Store(answer.me);
	answer.people.forEach((person) => app.store.know(person));
	answer.chats.forEach((chat) => app.store.addChat(chat));
	await app.outbox.recall(answer.resend);
	app.online = answer.online;
	app.isMainLoaded = true;
	app.say("main_loaded");
	setMode(answer.mode, answer.online ? "NORMAL" : "OFFLINE");
	if (answer.mode === "DEPRECATED_VERSION") WORK.needs_update();
	if (answer.mode === "TOS_BLOCK") app.say("backend", "account_temporarily_banned");
	await pause(0); // wa-js begins to listen to the chats now
	answer.again.forEach(work);
}

async function showCodes(ended) {
	if (ended) {
		app.say("logout_reason", ended);
		await profile.forget();
	}
	app.linking = startLinking((name, value = null) => {
		app.isIdle = name === "idle";
		app.ref = value;
		app.say(name === "idle" ? "idle" : "ref", value);
	});
	app.refreshCodes = async () => {
		app.isIdle = false;
		await app.linking.refresh();
	};
	setMode("QR", "PAIRING");
	app.say("unpaired");
	await app.linking.refresh();
}

async function begin() {
	if (/Headless/.test(navigator.userAgent)) {
		app.mode = "UNSUPPORTED";
		draw(app);
		return;
	}
	draw(app);
	const answer = await boot();
	app.missing = answer.missing;
	app.isLinked = answer.linked;
	if (answer.not_ready) return;
	window.Debug = { VERSION };
	window.StandIn = app;
	await pause(answer.boot_seconds * 1000);
	if (answer.linked) {
		setMode("SYNCING", "RESUMING");
		await enter(answer);
	} else {
		await showCodes(answer.ended);
	}
	app.pull = startPulling(work, () => app.emitted.splice(0));
	addEventListener("pagehide", () => navigator.sendBeacon("/web/bye", JSON.stringify({ page: PAGE })));
}

begin();
