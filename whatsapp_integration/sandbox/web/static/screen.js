/* What a person sees: which screen it is, and on the chat screen the chats and messages. */

import { icon, h } from "/static/dom.js";

const PAUSE = 100; // ms in which changes are drawn at once
const CHATS = 40; // of the list

const root = () => document.getElementById("app");
let wanted = null;
let shown = "";
let openChat = null;

/* Draw soon, once for all changes that come together. */
export function draw(app) {
	if (wanted) return;
	wanted = setTimeout(() => {
		wanted = null;
		paint(app);
	}, PAUSE);
}

function paint(app) {
	const screen = screenOf(app);
	document.body.dataset.screen = screen;
	if (screen === "chats") return paintChats(app);
	const key = [screen, app.ref?.fullCode, app.pairing, app.mode].join(" ");
	if (key !== shown) root().replaceChildren(SCREENS[screen](app));
	shown = key;
}

function screenOf(app) {
	if (app.mode === "UNSUPPORTED") return "unsupported";
	if (app.mode === "QR") return app.isLinked ? "loading" : "qr";
	if (app.mode === "MAIN") return "chats";
	return ["CONFLICT", "TOS_BLOCK", "DEPRECATED_VERSION"].includes(app.mode) ? "stopped" : "loading";
}

const STOPPED = {
	CONFLICT: ["WhatsApp is open in another window", "Load this page again to use it here."],
	TOS_BLOCK: ["This account is temporarily banned", "It may not use WhatsApp for now."],
	DEPRECATED_VERSION: ["Update WhatsApp Web", "This version is not supported any more."],
};

const card = (...children) => h("section.card", {}, ...children);

const SCREENS = {
	unsupported: () =>
		card(h("h1", {}, "This browser is not supported"), h("p", {}, "The page works with Google Chrome 100+ and others.")),
	loading: () => card(h("div.spinner"), h("h1", {}, "Loading your chats"), h("p", {}, "Do not close this window.")),
	stopped: (app) => card(...STOPPED[app.mode].map((text, index) => h(index ? "p" : "h1", {}, text))),
	qr: (app) => card(steps(app), codeOf(app)),
};

function steps(app) {
	const last = app.pairing ? "Tap Link with phone number instead" : "Tap Link a device and scan the code";
	const list = ["Open WhatsApp on your phone", "Open Settings, then Linked devices", last];
	return h(
		"div.steps",
		{},
		h("h1", {}, app.pairing ? "Enter the code on your phone" : "Scan to log in"),
		h("ol", {}, ...list.map((text) => h("li", {}, text))),
		h("p.stand-in", {}, "Stand-in for WhatsApp Web. Its phones are on ", h("a", { href: "/web/phone" }, "the phone page"), "."),
	);
}

function codeOf(app) {
	if (app.pairing) return h("div.pairing", { id: "pairing-code" }, ...[...app.pairing].map((letter) => h("b", {}, letter)));
	if (!app.ref) return h("button.again", { type: "button", onclick: () => app.refreshCodes?.() }, app.isIdle ? "Reload the QR code" : "…");
	const code = app.ref.fullCode;
	return h("img.qr", { id: "qr", src: `/web/qr.png?code=${encodeURIComponent(code)}`, "data-ref": code, alt: "QR code" });
}

function paintChats(app) {
	shown = "chats";
	const chats = [...app.store.chats.values()]
		.filter((chat) => chat.messages.length)
		.sort((one, other) => other.messages.at(-1).order - one.messages.at(-1).order);
	const chat = chats.find((item) => item.key === openChat) ?? chats[0];
	root().replaceChildren(
		h(
			"div.chats-screen",
			{},
			h("aside", {}, header(app), h("nav", {}, ...chats.slice(0, CHATS).map((item) => chatRow(app, item, item === chat)))),
			chat ? conversation(chat) : h("main.empty", {}, h("h1", {}, "No chats yet")),
		),
	);
}

function header(app) {
	const state = app.online ? "" : " · Waiting for the network";
	return h("header", {}, h("b", { dir: "auto" }, app.me.name), h("small", {}, `+${app.me.pn.split("@")[0]}${state}`));
}

function chatRow(app, chat, isOpen) {
	const last = chat.messages.at(-1);
	const choose = () => {
		openChat = chat.key;
		paint(app);
	};
	return h(
		`button.chat${isOpen ? ".open" : ""}`,
		{ type: "button", onclick: choose },
		h("b", { dir: "auto" }, chat.formattedTitle),
		h("span", { dir: "auto" }, wordsOf(last)),
		chat.unreadCount ? h("i", {}, String(chat.unreadCount)) : null,
	);
}

function wordsOf(message) {
	if (message.type === "chat") return message.body;
	return [`[${message.type}]`, message.filename, message.caption].filter(Boolean).join(" ");
}

function conversation(chat) {
	return h(
		"main",
		{},
		h("header", {}, h("b", { dir: "auto" }, chat.formattedTitle), h("small", {}, String(chat.id))),
		h("div.log", {}, ...chat.messages.slice(-30).map(bubble).reverse()),
	);
}

function bubble(message) {
	const time = new Date(message.t * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
	const tick = message.id.fromMe ? icon(message.ack < 0 ? "alert" : ["clock", "tick", "ticks", "ticks", "ticks"][message.ack]) : null;
	return h(
		`p.bubble${message.id.fromMe ? ".mine" : ""}${message.ack > 2 ? ".read" : ""}`,
		{ "data-id": message.id.id },
		message.quotedMsg ? h("q", { dir: "auto" }, wordsOf(message.quotedMsg)) : null,
		h("span", { dir: "auto" }, wordsOf(message)),
		h("small", {}, ...notesOf(message).map((note) => h("span", {}, note)), time, tick),
	);
}

function notesOf(message) {
	return [...Object.values(message.reactions), message.isEdited && "edited"].filter(Boolean);
}
